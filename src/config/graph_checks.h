// `graphs: <name>: checks:` what a graph is held to before it is loaded.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "config/value.h"

namespace tidegate::config {

/// What is not said keeps the loader's own value.
struct GraphChecks {
  std::optional<std::int64_t> max_elements;     ///< nodes and edges together
  std::optional<std::vector<int>> grade_bands;  ///< each band's highest grade, rising
  std::optional<std::string> subject;           ///< label that every standard must be reachable from
  std::optional<std::string> standard;          ///< label of standards
  std::optional<std::string> embedding;         ///< property that holds a vector
  std::vector<std::string> skip;  ///< duplicate_code, grade_order, unreachable, embedding: not looked for
};

GraphChecks read_graph_checks(const Value& value);

}  // namespace tidegate::config
