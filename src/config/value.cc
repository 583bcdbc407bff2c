#include "config/value.h"

#include <algorithm>

#include <fmt/core.h>

#include "base/text.h"

namespace tidegate::config {
namespace {

constexpr int kMaxNesting = 10;
constexpr std::size_t kMaxPlaces = 5000;

std::string words_of(Keywords table) {
  std::string words;
  for (const Keyword& word : table) words += (words.empty() ? "" : ", ") + std::string(word.name);
  return words;
}

bool flatten_into(const yaml::Node& list, int level, std::vector<const yaml::Node*>& items) {
  if (level > kMaxNesting) return false;
  return std::ranges::all_of(list.items, [&](const yaml::NodePtr& item) {
    if (item->is_list()) return flatten_into(*item, level + 1, items);
    items.push_back(item.get());
    return true;
  });
}

}  // namespace

std::string Value::path() const {
  const std::string own = printable(name_, 100);
  if (parent_ == nullptr) return own;
  const std::string above = parent_->path();
  return above.empty() ? own : above + ":" + own;
}

std::optional<Value> Value::find(std::string_view key) const {
  if (!node_->is_map()) return std::nullopt;
  const yaml::Entry* entry = node_->find_entry(key);
  if (entry == nullptr || entry->value->is_null()) return std::nullopt;
  return child(*entry->value, entry->key);
}

void Value::error(std::string code, std::string_view what, std::string hint) const {
  out_->error(std::move(code), node_->mark, fmt::format("{} config {}", path(), what), std::move(hint));
}

void Value::warning(std::string code, std::string_view what, std::string hint) const {
  out_->warning(std::move(code), node_->mark, fmt::format("{} config {}", path(), what), std::move(hint));
}

std::string nearest_hint(Findings& out, Keywords table, std::string_view name) {
  return out.did_you_mean(name, table.size(), [&] {
    std::vector<std::string> names;
    for (const Keyword& keyword : table) names.emplace_back(keyword.name);
    return names;
  });
}

void report_stray_merge(Findings& out, const yaml::Entry& entry) {
  out.error("invalid-merge", entry.mark,
            fmt::format("`<<` merges a hash, and this is {}", yaml::to_string(entry.value->kind)),
            "Give it an alias of a hash: `<<: *name`.");
}

bool check_map(const Value& value, Keywords table) {
  if (!value.node().is_map()) {
    value.error("invalid-type", "should be a hash");
    return false;
  }
  for (const yaml::Entry& entry : value.node().entries) {
    const Keyword* keyword = find_keyword(table, entry.key);
    if (keyword == nullptr && entry.key == "<<") {
      report_stray_merge(value.findings(), entry);
    } else if (keyword == nullptr) {
      value.findings().error(
          "unknown-keyword", entry.mark,
          fmt::format("{} config contains unknown keys: {}", value.path(), printable(entry.key)),
          nearest_hint(value.findings(), table, entry.key));
    } else if (keyword->support != Support::kRead && !entry.value->is_null()) {
      const std::string message = fmt::format("{}:{} is not supported", value.path(), entry.key);
      if (keyword->support == Support::kError) {
        value.findings().error("unsupported-keyword", entry.mark, message, std::string(keyword->hint));
      } else {
        value.findings().warning("unsupported-keyword", entry.mark, message, std::string(keyword->hint));
      }
    }
  }
  return true;
}

std::optional<std::string> read_string(const Value& value) {
  if (value.node().is_string()) return value.node().text;
  value.error(
      "invalid-type", "should be a string",
      value.node().is_scalar() ? fmt::format("Quote it: \"{}\".", printable(value.node().text, 60)) : "");
  return std::nullopt;
}

std::optional<std::string> read_scalar(const Value& value) {
  if (value.node().is_scalar()) return value.node().text;
  value.error("invalid-type", "must be a scalar");
  return std::nullopt;
}

std::optional<bool> read_bool(const Value& value) {
  if (value.node().kind == yaml::Kind::kBool) return value.node().text == "true";
  value.error("invalid-type", "should be a boolean value");
  return std::nullopt;
}

std::optional<std::int64_t> read_integer(const Value& value, std::int64_t min, std::int64_t max) {
  if (value.node().kind == yaml::Kind::kInt) {
    const auto number = parse_integer(value.node().text);
    if (number && *number >= min && *number <= max) return *number;
  }
  value.error("invalid-value", fmt::format("should be a whole number from {} to {}", min, max));
  return std::nullopt;
}

std::optional<std::vector<std::string>> read_strings(const Value& value) {
  const auto& items = value.node().items;
  if (!value.node().is_list() ||
      !std::ranges::all_of(items, [](const yaml::NodePtr& item) { return item->is_string(); })) {
    value.error("invalid-type", "should be an array of strings");
    return std::nullopt;
  }
  std::vector<std::string> strings;
  strings.reserve(items.size());
  for (const yaml::NodePtr& item : items) strings.push_back(item->text);
  return strings;
}

std::optional<std::vector<std::string>> read_string_or_strings(const Value& value) {
  if (value.node().is_string()) return std::vector{value.node().text};
  if (value.node().is_list()) return read_strings(value);
  value.error("invalid-type", "should be an array of strings or a string");
  return std::nullopt;
}

std::optional<std::vector<int>> read_exit_codes(const Value& value) {
  std::vector<int> codes;
  const auto add = [&](const yaml::Node& node) {
    const auto number = node.kind == yaml::Kind::kInt ? parse_integer(node.text) : std::nullopt;
    if (!number || *number < -1'000'000 || *number > 1'000'000) return false;
    codes.push_back(static_cast<int>(*number));
    return true;
  };
  const yaml::Node& node = value.node();
  const bool good = node.is_list()
                        ? !node.items.empty() &&
                              std::ranges::all_of(node.items, [&](const auto& item) { return add(*item); })
                        : add(node);
  if (good) {
    std::vector<int> sorted = codes;
    std::ranges::sort(sorted);
    if (std::ranges::adjacent_find(sorted) == sorted.end()) return codes;
    value.error("invalid-value", "should not name a code twice");
    return std::nullopt;
  }
  value.error("invalid-type", "should be an array of integers or an integer");
  return std::nullopt;
}

std::optional<Seconds> read_duration(const Value& value, Seconds most, Seconds least) {
  if (value.node().is_string()) {
    const auto duration = parse_duration(value.node().text);
    if (duration && *duration >= least && *duration <= most) return *duration;
    if (duration && *duration > most) {
      value.error("invalid-value", "should not exceed the limit",
                  fmt::format("At most {}.", format_duration(most)));
      return std::nullopt;
    }
  }
  value.error("invalid-value", "should be a duration",
              "Write it as \"90 minutes\" or \"1 hour 30 minutes\".");
  return std::nullopt;
}

std::optional<std::string> read_word(const Value& value, Keywords table) {
  if (value.node().is_string() && find_keyword(table, value.node().text) != nullptr) return value.node().text;
  value.error("invalid-value", "should be one of: " + words_of(table),
              nearest_hint(value.findings(), table, value.node().text));
  return std::nullopt;
}

std::optional<std::vector<const yaml::Node*>> flatten(const Value& value) {
  std::vector<const yaml::Node*> items;
  if (value.node().is_list() && flatten_into(value.node(), 1, items)) return items;
  return std::nullopt;
}

std::optional<Script> read_script(const Value& value) {
  if (value.node().is_string())
    return Script{.lines = {value.node().text}, .places = {value.node().mark.place()}};
  constexpr std::string_view kWanted = "should be a string or a nested array of strings up to 10 levels deep";
  const auto items = flatten(value);
  if (!items) {
    value.error("invalid-type", kWanted);
    return std::nullopt;
  }
  Script script;
  script.lines.reserve(items->size());
  for (const yaml::Node* item : *items) {
    if (!item->is_string()) {
      value.findings().error(
          "invalid-type", item->mark, fmt::format("{} config {}", value.path(), kWanted),
          item->is_map() ? "A line with \": \" is read as a hash; put the whole line in single quotes."
                         : "Put the line in quotes.");
      return std::nullopt;
    }
    script.lines.push_back(item->text);
    if (items->size() <= kMaxPlaces) script.places.push_back(item->mark.place());
  }
  return script;
}

}  // namespace tidegate::config
