// Where lints put what they find.
#pragma once

#include <cstddef>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "config/diagnostic.h"

namespace tidegate::pipeline::lints {

/// One warning of a kind for each place, for lines are shared through anchors and extends; and at most 50 of
/// a kind.
class Warnings {
 public:
  /// The code of what is added from now on.
  void begin(std::string_view code);
  void add(const config::Place& place, std::string job, std::string message, std::string hint);
  config::Diagnostics take() { return std::move(list_); }

 private:
  static constexpr std::size_t kMost = 50;
  std::string code_;
  std::size_t count_ = 0;
  std::set<std::tuple<std::string, std::uint32_t, std::uint32_t>> places_;
  config::Diagnostics list_;
};

}  // namespace tidegate::pipeline::lints
