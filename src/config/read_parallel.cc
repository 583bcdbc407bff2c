// parallel and parallel:matrix. Source: GitLab CI/CD YAML reference, parallel;
// lib/gitlab/ci/config/entry/product.
#include <algorithm>

#include <fmt/core.h>

#include "config/instances.h"
#include "config/read_parts.h"

namespace tidegate::config {
namespace {

constexpr std::string_view kRowForm = "should be a hash of key value pairs, value can be an array";

std::optional<MatrixAxis> read_axis(const Value& value) {
  MatrixAxis axis;
  axis.key = value.name();
  const yaml::Node& node = value.node();
  if (node.is_scalar() && !node.is_null()) {
    axis.values.push_back(node.text);
    return axis;
  }
  const auto plain = [](const yaml::NodePtr& item) { return item->is_scalar() && !item->is_null(); };
  if (!node.is_list() || !std::ranges::all_of(node.items, plain)) {
    value.error("invalid-type", "should be a value or a list of values");
    return std::nullopt;
  }
  for (const yaml::NodePtr& item : node.items) axis.values.push_back(item->text);
  return axis;
}

std::optional<MatrixRow> read_row(const Value& value) {
  if (!value.node().is_map()) {
    value.error("invalid-type", kRowForm);
    return std::nullopt;
  }
  if (value.node().entries.empty()) {
    value.error("invalid-value", "requires at least 1 items");
    return std::nullopt;
  }
  MatrixRow row;
  for (const yaml::Entry& entry : value.node().entries) {
    auto axis = read_axis(value.child(*entry.value, entry.key));
    if (!axis) return std::nullopt;
    row.push_back(*std::move(axis));
  }
  return row;
}

std::optional<Parallel> read_matrix(const Value& value) {
  Parallel parallel;
  if (!value.node().is_list()) {
    value.error("invalid-type", "should be an array of hashes");
    return std::nullopt;
  }
  for (const yaml::NodePtr& item : value.node().items) {
    auto row = read_row(value.child(*item, "variables"));
    if (!row) return std::nullopt;
    parallel.matrix.push_back(*std::move(row));
  }
  if (instance_count(parallel) > kMaxParallel) {
    value.error("invalid-value", fmt::format("generates too many jobs (maximum is {})", kMaxParallel),
                "Split the job, or take values out of the matrix.");
    return std::nullopt;
  }
  return parallel;
}

}  // namespace

std::optional<Parallel> read_parallel(const Value& value, bool counts) {
  if (value.node().is_map()) {
    check_map(value, parallel_keywords());
    const auto matrix = value.find("matrix");
    if (matrix) return read_matrix(*matrix);
    value.error("missing-keyword", "missing required keys: matrix");
    return std::nullopt;
  }
  if (value.node().kind != yaml::Kind::kInt && value.node().kind != yaml::Kind::kFloat) {
    value.error("invalid-type", counts ? "should be an integer or a hash" : "should be a hash",
                "Write `matrix:` below it, with a list of hashes.");
    return std::nullopt;
  }
  if (!counts) {
    value.error("invalid-value", "cannot use \"parallel: <number>\"", "Write a matrix.");
    return std::nullopt;
  }
  const auto number = read_integer(value, 1, static_cast<std::int64_t>(kMaxParallel));
  if (!number) return std::nullopt;
  return Parallel{.count = static_cast<int>(*number), .matrix = {}};
}

}  // namespace tidegate::config
