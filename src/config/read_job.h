// One job: its own keywords, and what it takes from `default`.
#pragma once

#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "config/definition.h"
#include "config/value.h"

namespace tidegate::config {

/// Where a job's missing keywords come from: `default:`, and the same keywords at the top level (the old
/// form).
struct Defaults {
  /// `root`, the whole configuration, must outlive this.
  explicit Defaults(const Value& root);

  std::optional<Value> table;  ///< the `default:` hash
  const Value* root;

  /// The value for a job that does not write the keyword itself; nothing when there is none.
  std::optional<Value> find(std::string_view keyword) const;

 private:
  std::vector<std::pair<std::string_view, Value>> given_;  ///< by keyword; a handful at most
};

/// Reports what is wrong in `default` itself, and keywords that are given in both forms.
void check_defaults(const Defaults& defaults);

/// Reads one visible job; `mark` is the place of its name. Jobs with faults are read as far as possible.
Job read_job(const Value& value, const yaml::Mark& mark, const Defaults& defaults);

}  // namespace tidegate::config
