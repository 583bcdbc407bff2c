// Strong identifiers: a JobId is not a PipelineId, though both are numbers.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>

namespace tidegate {

/// A number that names one thing of one kind. 0 names nothing.
template <class Tag>
class Id {
 public:
  constexpr Id() = default;
  constexpr explicit Id(std::int64_t value) : value_(value) {}

  constexpr std::int64_t value() const { return value_; }
  constexpr explicit operator bool() const { return value_ != 0; }

  friend constexpr auto operator<=>(const Id&, const Id&) = default;

 private:
  std::int64_t value_ = 0;
};

using ProjectId = Id<struct ProjectTag>;
using PipelineId = Id<struct PipelineTag>;
using JobId = Id<struct JobTag>;
using VersionId = Id<struct DatasetVersionTag>;  ///< a dataset version, unique over all sources
using DeploymentId = Id<struct DeploymentTag>;

}  // namespace tidegate

template <class Tag>
struct std::hash<tidegate::Id<Tag>> {
  std::size_t operator()(tidegate::Id<Tag> id) const noexcept {
    return std::hash<std::int64_t>{}(id.value());
  }
};
