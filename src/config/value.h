// Value: one node of the tree with its path ("jobs:rspec:tags"), and the reading of simple types from it.
// Every reader returns nothing when it has reported an error.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "config/findings.h"
#include "config/keywords.h"
#include "config/yaml.h"

namespace tidegate::config {

/// A view: the node, the name and the parent must outlive it. Paths are made only when something is reported.
class Value {
 public:
  Value(const yaml::Node& node, std::string_view name, Findings& out, const Value* parent = nullptr)
      : node_(&node), name_(name), out_(&out), parent_(parent) {}

  const yaml::Node& node() const { return *node_; }
  std::string_view name() const { return name_; }
  Findings& findings() const { return *out_; }
  std::string path() const;
  Value child(const yaml::Node& node, std::string_view name) const { return {node, name, *out_, this}; }
  /// The value of a key; nothing when the key is absent or null, which mean the same everywhere.
  std::optional<Value> find(std::string_view key) const;

  /// Reports "<path> config <what>".
  void error(std::string code, std::string_view what, std::string hint = {}) const;
  void warning(std::string code, std::string_view what, std::string hint = {}) const;

 private:
  const yaml::Node* node_;
  std::string_view name_;
  Findings* out_;
  const Value* parent_;
};

/// "Did you mean X?", or nothing when no keyword of the table is near.
std::string nearest_hint(Findings& out, Keywords table, std::string_view name);

/// Reports a `<<` that merged nothing and so stayed a key.
void report_stray_merge(Findings& out, const yaml::Entry& entry);

/// Reports every key that the table does not have or does not read. False when it is no map.
bool check_map(const Value& value, Keywords table);

std::optional<std::string> read_string(const Value& value);
/// Any scalar, as its text.
std::optional<std::string> read_scalar(const Value& value);
std::optional<bool> read_bool(const Value& value);
std::optional<std::int64_t> read_integer(const Value& value, std::int64_t min, std::int64_t max);
std::optional<std::vector<std::string>> read_strings(const Value& value);
std::optional<std::vector<std::string>> read_string_or_strings(const Value& value);
std::optional<std::vector<int>> read_exit_codes(const Value& value);
/// A duration in words; `most` is the greatest that is allowed. Nothing at all ("0 days") is none to GitLab,
/// so `least` is a second unless told.
std::optional<Seconds> read_duration(const Value& value, Seconds most, Seconds least = Seconds{1});
/// One of the words of the table.
std::optional<std::string> read_word(const Value& value, Keywords table);
struct Script {
  std::vector<std::string> lines;
  std::vector<Place> places;  ///< of each line; left empty beyond 5,000 lines
};
/// A string, or strings in arrays nested up to 10 deep, flattened.
std::optional<Script> read_script(const Value& value);

/// The items of an array whose arrays are flattened up to 10 deep; nothing when it is no array or deeper.
std::optional<std::vector<const yaml::Node*>> flatten(const Value& value);

}  // namespace tidegate::config
