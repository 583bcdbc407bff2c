#include "config/spec.h"

#include <algorithm>
#include <array>

#include <fmt/core.h>

#include "base/text.h"

namespace tidegate::config {
namespace {

constexpr std::size_t kMaxOptions = 50;
constexpr std::size_t kMaxDescription = 256;
constexpr auto kTypes = std::to_array<Keyword>({{"string"}, {"number"}, {"boolean"}, {"array"}});
constexpr auto kComponentFields = std::to_array<Keyword>({{"name"}, {"sha"}, {"version"}, {"reference"}});

InputType type_of(std::string_view word) {
  if (word == "number") return InputType::kNumber;
  if (word == "boolean") return InputType::kBoolean;
  if (word == "array") return InputType::kArray;
  return InputType::kString;
}

/// The value of a key as it stands in the tree, `null` included; a null pointer when it is not written.
yaml::NodePtr written(const Value& value, std::string_view key) {
  const yaml::Entry* entry = value.node().find_entry(key);
  return entry == nullptr ? nullptr : entry->value;
}

std::optional<std::vector<yaml::NodePtr>> read_options(const Value& value) {
  if (!value.node().is_list()) {
    value.error("invalid-type", "should be an array");
    return std::nullopt;
  }
  if (value.node().items.size() > kMaxOptions)
    value.error("invalid-value", fmt::format("cannot define more than {} options", kMaxOptions));
  if (std::ranges::any_of(value.node().items, [](const yaml::NodePtr& item) { return item->is_null(); }))
    value.error("invalid-value", "cannot contain null values");
  return value.node().items;
}

InputRule read_input_rule(const Value& value) {
  InputRule rule;
  if (!check_map(value, spec_input_rule_keywords())) return rule;
  if (const auto expression = value.find("if")) rule.if_expression = read_string(*expression).value_or("");
  if (const auto options = value.find("options")) rule.options = read_options(*options);
  rule.default_value = written(value, "default");
  if (!rule.options && rule.if_expression.empty())
    value.error("missing-keyword", "without `if` must define `options`");
  else if (!rule.options && !rule.default_value)
    value.error("missing-keyword", "with `if` must define `options` or `default`");
  return rule;
}

std::vector<InputRule> read_input_rules(const Value& value) {
  std::vector<InputRule> rules;
  if (!value.node().is_list()) {
    value.error("invalid-type", "should be an array of hashes");
    return rules;
  }
  for (const yaml::NodePtr& item : value.node().items)
    rules.push_back(read_input_rule(value.child(*item, "rule")));
  return rules;
}

void check_together(const Value& value, const InputSpec& spec) {
  if (!spec.rules.empty() && (spec.options || spec.default_value))
    value.error("invalid-value", "takes `rules`, or `options` and `default`, not both",
                "Write them into a rule without `if`, the last one.");
  if (spec.regex && spec.type != InputType::kString)
    value.error("invalid-value", "takes `regex` with the type string only");
  if (spec.options && spec.type == InputType::kBoolean)
    value.error("invalid-value", "takes `options` with the types string, number and array only");
}

InputSpec read_input_spec(const Value& value, const yaml::Mark& mark) {
  InputSpec spec;
  spec.name = std::string(value.name());
  spec.mark = mark;
  if (value.node().is_null() || !check_map(value, spec_input_keywords())) return spec;
  if (const auto type = value.find("type"))
    if (const auto word = read_word(*type, kTypes)) spec.type = type_of(*word);
  if (const auto text = value.find("description")) spec.description = read_scalar(*text).value_or("");
  if (const auto options = value.find("options")) spec.options = read_options(*options);
  if (const auto regex = value.find("regex")) spec.regex = read_string(*regex);
  if (const auto rules = value.find("rules")) spec.rules = read_input_rules(*rules);
  spec.default_value = written(value, "default");
  check_together(value, spec);
  return spec;
}

std::vector<std::string> read_component(const Value& value) {
  std::vector<std::string> fields;
  if (!value.node().is_list()) {
    value.error("invalid-type", "should be an array of strings");
    return fields;
  }
  for (const yaml::NodePtr& item : value.node().items)
    if (auto word = read_word(value.child(*item, "component"), kComponentFields))
      fields.push_back(*std::move(word));
  return fields;
}

void read_spec_map(const Value& value, Spec& spec) {
  if (!check_map(value, spec_keywords())) return;
  if (const auto inputs = value.find("inputs")) spec.inputs = read_input_specs(*inputs);
  if (const auto component = value.find("component")) spec.component = read_component(*component);
  if (const auto include = value.find("include")) spec.include = written(value, "include");
  const auto description = value.find("description");
  if (!description) return;
  const auto text = read_string(*description);
  if (text && text->size() > kMaxDescription)
    description->error("invalid-value",
                       fmt::format("is too long (maximum is {} characters)", kMaxDescription));
}

}  // namespace

std::string_view to_string(InputType type) {
  switch (type) {
    case InputType::kString:
      return "string";
    case InputType::kNumber:
      return "number";
    case InputType::kBoolean:
      return "boolean";
    case InputType::kArray:
      return "array";
  }
  return "string";
}

std::vector<InputSpec> read_input_specs(const Value& inputs) {
  std::vector<InputSpec> specs;
  if (!inputs.node().is_map()) {
    inputs.error("invalid-type", "should be a hash");
    return specs;
  }
  for (const yaml::Entry& entry : inputs.node().entries)
    specs.push_back(read_input_spec(inputs.child(*entry.value, entry.key), entry.mark));
  return specs;
}

Spec read_spec(const yaml::Node& header, Findings& out) {
  Spec spec;
  const Value root(header, "header", out);
  if (!check_map(root, header_keywords())) return spec;
  if (const auto value = root.find("spec")) read_spec_map(*value, spec);
  return spec;
}

}  // namespace tidegate::config
