#include "config/read_data.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>

#include <fmt/core.h>

#include "base/text.h"
#include "config/keywords.h"
#include "config/project_values.h"
#include "config/yaml.h"

namespace tidegate::config {
namespace {

constexpr auto kData = std::to_array<Keyword>({
    {"source"},
    {"include"},
    {"ready"},
    {"bind"},
    {"branch"},
    {"max_size"},
    {"in_flight"},
    {"ordered"},
    {"on_failure"},
    {"limits"},
    {"network"},
});
constexpr auto kReady = std::to_array<Keyword>({{"quiet"}, {"manifest"}, {"marker"}});
constexpr auto kBinding = std::to_array<Keyword>({{"file"}, {"name"}, {"marker"}, {"variable"}});

bool is_source(std::string_view text) {
  if (has_control(text)) return false;
  if (text.starts_with("file://")) return is_absolute(text.substr(7));
  if (!text.starts_with("s3://")) return false;
  const std::string_view bucket = text.substr(5, text.find('/', 5) - 5);
  return bucket.size() >= 3 && only(bucket, {kLower, kUpper, kDigits, ".-_"}) && bucket.front() != '-';
}

/// A name that every shell takes; not one of those that Tidegate or GitLab set.
bool is_variable(std::string_view text) {
  return only(text, {kLower, kUpper, kDigits, "_"}) && kDigits.find(text.front()) == std::string_view::npos &&
         !text.starts_with("CI_") && !text.starts_with("TIDEGATE_");
}

Binding read_binding(const Value& value) {
  Binding binding;
  if (!check_map(value, kBinding)) return binding;
  if (value.find("variable")) {
    binding.variable = read_checked(value, "variable", is_variable,
                                    "should be a name that does not begin with CI_ or TIDEGATE_");
    for (const char* other : {"file", "name", "marker"})
      if (value.find(other))
        value.error("keyword-conflict", fmt::format("has both variable and {}", other),
                    "A variable changes no file: give each an item of its own.");
    return binding;
  }
  binding.file = read_required(value, "file", is_relative, "should be a path in the repository");
  binding.name = read_checked(value, "name", any_text, "can't be blank");
  binding.marker = read_checked(value, "marker", any_text, "can't be blank");
  if (!binding.name.empty() && !binding.marker.empty())
    value.error("keyword-conflict", "has both name and marker", "Keep one of the two.");
  return binding;
}

/// "500", "20MB", "5 GiB": bytes. Nothing: no size, or one that 63 bits do not hold.
std::optional<std::uint64_t> parse_size(std::string_view text) {
  static constexpr std::array<std::string_view, 5> kPowers = {"", "K", "M", "G", "T"};
  const std::size_t digits = std::min(text.find_first_not_of(kDigits), text.size());
  const auto number = parse_integer(text.substr(0, digits));
  std::string unit = to_upper(trim(text.substr(digits)));
  const std::uint64_t base = unit.ends_with("IB") ? 1024 : 1000;
  if (unit.ends_with("IB")) unit.resize(unit.size() - 2);
  if (unit.ends_with("B")) unit.resize(unit.size() - 1);
  const auto power = std::ranges::find(kPowers, unit);
  if (!number || *number <= 0 || power == kPowers.end()) return std::nullopt;
  auto size = static_cast<std::uint64_t>(*number);
  for (auto step = kPowers.begin(); step != power; ++step) {
    if (size > (std::uint64_t{1} << 62U) / base) return std::nullopt;
    size *= base;
  }
  return size;
}

std::uint64_t read_size(const Value& parent, std::string_view keyword, std::uint64_t usual) {
  const auto value = parent.find(keyword);
  const auto text = value ? read_scalar(*value) : std::nullopt;
  if (!text) return usual;
  if (const auto size = parse_size(*text)) return *size;
  value->error("invalid-value", "should be a number of bytes, as 500MB or 5GiB");
  return usual;
}

/// One segment of a key.
bool is_segment(std::string_view text) {
  return any_text(text) && text.find('/') == std::string_view::npos && !has_control(text);
}

void read_ready(const Value& ready, DataSource& data) {
  if (!check_map(ready, kReady)) return;
  data.manifest = read_checked(ready, "manifest", any_text, "can't be blank");
  data.marker = read_checked(ready, "marker", is_segment, "should be the name of an object, without folders");
  // Complete is complete: nothing more is waited for, unless somebody says so.
  if (!data.manifest.empty() || !data.marker.empty()) data.quiet = Seconds{0};
  data.quiet = read_seconds(ready, "quiet", data.quiet);
  if (ready.find("manifest") && ready.find("marker"))
    ready.error("keyword-conflict", "has both manifest and marker", "Keep one of the two.");
}

void read_bindings(const Value& value, DataSource& data) {
  const auto bind = value.find("bind");
  if (!bind) {
    value.warning("no-binding", "has no `bind`: new data changes no file",
                  "Write bind: [{ file: train.py, name: DATA_PATH }].");
  } else if (!bind->node().is_list()) {
    bind->error("invalid-type", "should be an array");
  } else {
    for (const yaml::NodePtr& item : bind->node().items)
      data.bind.push_back(read_binding(bind->child(*item, "binding")));
  }
}

}  // namespace

DataSource read_data(const Value& value, const yaml::Mark& mark) {
  DataSource data;
  data.name = value.name();
  data.place = mark.place();
  if (!check_map(value, kData)) return data;
  data.source = read_required(value, "source", is_source, "should be s3://bucket/prefix/ or file:///folder/");
  if (const auto include = value.find("include"))
    data.include = read_string_or_strings(*include).value_or(std::vector<std::string>());
  if (const auto ready = value.find("ready")) read_ready(*ready, data);
  data.branch = read_checked(value, "branch", any_text, "can't be blank");
  data.max_size = read_size(value, "max_size", data.max_size);
  data.gate = read_gate_settings(value);
  read_bindings(value, data);
  return data;
}

}  // namespace tidegate::config
