// Deep merge, as include and extends do it, and the budget that keeps it from growing without end.
#pragma once

#include <cstdint>

#include "config/yaml.h"

namespace tidegate::config {

/// Work allowed to one configuration, in map entries copied. A small text can ask for an enormous one through
/// extends; GitLab stops such by memory and time.
class Budget {
 public:
  explicit Budget(std::uint64_t units = 1'000'000) : left_(units) {}
  /// False when there is nothing left; then the caller stops and reports.
  bool spend(std::uint64_t units) {
    if (left_ < units) spent_ = true;
    left_ -= left_ < units ? left_ : units;
    return !spent_;
  }
  bool exhausted() const { return spent_; }

 private:
  std::uint64_t left_;
  bool spent_ = false;
};

/// Hashes merge key by key; anything else in `over` replaces what is in `base`. Keys keep the place of
/// `base`, new ones follow. Source: ActiveSupport's Hash#deep_merge, which GitLab uses for both. Returns
/// `base` unchanged once the budget is exhausted.
yaml::NodePtr deep_merge(const yaml::NodePtr& base, const yaml::NodePtr& over, Budget& budget);

/// The tree as it runs: in `stages` and in the scripts and rules of each entry, arrays of arrays become one.
yaml::NodePtr flatten_scripts(const yaml::NodePtr& root);

/// The map without one key.
yaml::NodePtr without_key(const yaml::NodePtr& map, std::string_view key);

}  // namespace tidegate::config
