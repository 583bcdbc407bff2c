#include "config/inputs.h"

#include <algorithm>
#include <cstdlib>

#include <fmt/core.h>

#include "base/text.h"
#include "config/yaml_scalar.h"

namespace tidegate::config {
namespace {

using yaml::Kind;
using yaml::Mark;
using yaml::NodePtr;

void append_json_string(std::string_view text, std::string& out) {
  out.push_back('"');
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out.push_back('\\');
      out.push_back(c);
    } else if (c == '\n') {
      out += "\\n";
    } else if (static_cast<unsigned char>(c) < 0x20) {
      out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    } else {
      out.push_back(c);
    }
  }
  out.push_back('"');
}

void append_json(const yaml::Node& node, std::string& out) {
  bool first = true;
  const auto comma = [&] {
    if (!first) out.push_back(',');
    first = false;
  };
  if (node.is_map()) {
    out.push_back('{');
    for (const yaml::Entry& entry : node.entries) {
      comma();
      append_json_string(entry.key, out);
      out.push_back(':');
      append_json(*entry.value, out);
    }
    out.push_back('}');
  } else if (!node.is_scalar()) {
    out.push_back('[');
    for (const NodePtr& item : node.items) {
      comma();
      append_json(*item, out);
    }
    out.push_back(']');
  } else if (node.is_string()) {
    append_json_string(node.text, out);
  } else {
    out += node.is_null() ? "null" : node.text;
  }
}

/// JSON's numbers: what YAML reads otherwise (010, 1_000) is no number in a text.
bool is_json_number(std::string_view text) {
  std::string_view rest = text;
  if (rest.starts_with('-')) rest.remove_prefix(1);
  if (rest.empty() || rest.find_first_not_of("0123456789.eE+-") != std::string_view::npos) return false;
  return rest.front() >= '0' && rest.front() <= '9' &&
         (rest.front() != '0' || rest.size() == 1 || rest[1] < '0' || rest[1] > '9');
}

/// The text as the type asks, or a string when it is no such thing.
NodePtr read_text(const NodePtr& given, InputType type) {
  const std::string& text = given->text;
  if (!given->is_string() || type == InputType::kString) return given;
  if (type == InputType::kBoolean && (text == "true" || text == "false"))
    return yaml::make_scalar(Kind::kBool, text, given->mark);
  if (type == InputType::kNumber && is_json_number(text)) {
    const yaml::Scalar scalar = yaml::read_plain(text);
    if (scalar.kind == Kind::kInt || scalar.kind == Kind::kFloat)
      return yaml::make_scalar(scalar.kind, scalar.text, given->mark);
  }
  if (type == InputType::kArray) {
    const yaml::Parsed parsed = yaml::parse(text, given->mark.place().file);
    if (!has_errors(parsed.diagnostics) && parsed.documents.size() == 1 && parsed.documents[0]->is_list())
      return parsed.documents[0];
  }
  return given;
}

bool has_type(const yaml::Node& value, InputType type) {
  switch (type) {
    case InputType::kString:
      return value.is_string();
    case InputType::kNumber:
      return value.kind == Kind::kInt || value.kind == Kind::kFloat;
    case InputType::kBoolean:
      return value.kind == Kind::kBool;
    case InputType::kArray:
      return value.is_list();
  }
  return false;
}

bool is_number(const yaml::Node& node) {
  return node.kind == Kind::kInt || node.kind == Kind::kFloat;
}

bool same_value(const yaml::Node& a, const yaml::Node& b) {
  if (is_number(a) && is_number(b))
    return std::strtod(a.text.c_str(), nullptr) == std::strtod(b.text.c_str(), nullptr);
  return a.kind == b.kind && interpolated_text(a) == interpolated_text(b);
}

class InputResolver {
 public:
  InputResolver(const std::vector<InputSpec>& specs, const GivenInputs& given, const Mark& where,
                const IncludeScope& scope, Findings& out)
      : specs_(specs), given_(given), where_(where), scope_(scope), out_(out) {}

  std::optional<InputValues> run() {
    report_unknown();
    for (const InputSpec& spec : specs_) resolve(spec);
    return good_ ? std::optional(std::move(values_)) : std::nullopt;
  }

 private:
  struct Effective {
    const std::vector<NodePtr>* options = nullptr;
    NodePtr default_value;
  };

  void report_unknown();
  void resolve(const InputSpec& spec);
  std::optional<Effective> effective(const InputSpec& spec);
  std::optional<std::string_view> text_of(std::string_view name, std::vector<std::string>& texts,
                                          std::string& undefined) const;
  bool check(const InputSpec& spec, const Effective& rule, const yaml::Node& value, std::string_view which);
  bool is_option(const InputSpec& spec, const std::vector<NodePtr>& options, const yaml::Node& value);
  bool check_regex(const InputSpec& spec, const yaml::Node& value, std::string_view which);
  const GivenInput* given(std::string_view name) const {
    const auto found = std::ranges::find(given_, name, &GivenInput::name);
    return found == given_.end() || found->value->is_null() ? nullptr : &*found;
  }
  bool refuse(std::string code, const Mark& mark, const InputSpec& spec, std::string_view what,
              std::string hint = {}) {
    good_ = false;
    const Mark& near = where_.line == 0 ? spec.mark : where_;
    out_.error(std::move(code), mark.line == 0 ? near : mark,
               fmt::format("`{}` input: {}", printable(spec.name), what), std::move(hint));
    return false;
  }

  const std::vector<InputSpec>& specs_;
  const GivenInputs& given_;
  const Mark& where_;
  const IncludeScope& scope_;
  Findings& out_;
  InputValues values_;
  bool good_ = true;
};

void InputResolver::report_unknown() {
  for (const GivenInput& one : given_) {
    if (std::ranges::find(specs_, one.name, &InputSpec::name) != specs_.end()) continue;
    good_ = false;
    out_.error("unknown-input", one.value->mark.line == 0 ? where_ : one.value->mark,
               fmt::format("unknown input arguments: {}", printable(one.name)),
               out_.did_you_mean(one.name, specs_.size(), [&] {
                 std::vector<std::string> names;
                 for (const InputSpec& spec : specs_) names.push_back(spec.name);
                 return names;
               }));
  }
}

void InputResolver::resolve(const InputSpec& spec) {
  const GivenInput* one = given(spec.name);
  const auto rule = effective(spec);
  if (!rule) return;
  if (rule->default_value && !check(spec, *rule, *rule->default_value, "default")) return;
  if (one != nullptr) {
    const NodePtr value = one->is_text ? read_text(one->value, spec.type) : one->value;
    if (check(spec, *rule, *value, "provided")) values_.emplace_back(spec.name, value);
    return;
  }
  const bool by_rule = std::ranges::any_of(spec.rules, [](const InputRule& candidate) {
    return candidate.default_value || candidate.if_expression.empty();
  });
  if (!rule->default_value && !(by_rule && spec.type == InputType::kString)) {
    refuse("missing-input", where_, spec, "required value has not been provided",
           "Give it a value under `inputs` (or with --input), or declare a `default`.");
    return;
  }
  NodePtr value = rule->default_value;
  // A string's default may be written as any scalar.
  if (!value || (spec.type == InputType::kString && !value->is_string()))
    value = yaml::make_scalar(Kind::kString, value ? value->text : "", value ? value->mark : spec.mark);
  values_.emplace_back(spec.name, std::move(value));
}

/// What a rule's expression sees: inputs resolved so far, then given ones.
std::optional<std::string_view> InputResolver::text_of(std::string_view name, std::vector<std::string>& texts,
                                                       std::string& undefined) const {
  const auto done = std::ranges::find(values_, name, &InputValues::value_type::first);
  if (done != values_.end()) return texts.emplace_back(interpolated_text(*done->second));
  if (const GivenInput* one = given(name)) return texts.emplace_back(interpolated_text(*one->value));
  if (std::ranges::find(specs_, name, &InputSpec::name) == specs_.end()) undefined = std::string(name);
  return std::nullopt;
}

std::optional<InputResolver::Effective> InputResolver::effective(const InputSpec& spec) {
  Effective out{.options = spec.options ? &*spec.options : nullptr, .default_value = spec.default_value};
  for (const InputRule& rule : spec.rules) {
    std::vector<std::string> texts;
    texts.reserve(100);  // an expression has fewer tokens; views into it stay good
    std::string undefined;
    const InputLookup lookup = [&](std::string_view name) { return text_of(name, texts, undefined); };
    Result<bool> holds = true;
    if (!rule.if_expression.empty() && scope_.input_rule)
      holds = scope_.input_rule(rule.if_expression, lookup);
    if (!holds) {
      refuse("invalid-expression", spec.mark, spec, holds.error().message);
      return std::nullopt;
    }
    if (!undefined.empty()) {
      refuse("unknown-input", spec.mark, spec,
             fmt::format("a rule references undefined inputs: {}", printable(undefined)));
      return std::nullopt;
    }
    if (!*holds) continue;
    if (rule.options) out.options = &*rule.options;
    if (rule.default_value && !rule.default_value->is_null()) out.default_value = rule.default_value;
    break;
  }
  return out;
}

bool InputResolver::check(const InputSpec& spec, const Effective& rule, const yaml::Node& value,
                          std::string_view which) {
  const bool loose = which == "default" && spec.type == InputType::kString && value.is_scalar();
  if (!loose && !has_type(value, spec.type)) {
    const std::string hint = value.is_scalar() && spec.type == InputType::kString
                                 ? fmt::format("Quote it: \"{}\".", printable(value.text, 60))
                                 : std::string();
    return refuse("invalid-input", value.mark, spec,
                  fmt::format("{} value is not {} {}", which, spec.type == InputType::kArray ? "an" : "a",
                              to_string(spec.type)),
                  hint);
  }
  if (rule.options != nullptr && !is_option(spec, *rule.options, value))
    return refuse("invalid-input", value.mark, spec,
                  fmt::format("`{}` cannot be used because it is not in the list of allowed options",
                              printable(interpolated_text(value), 100)));
  return check_regex(spec, value, which);
}

bool InputResolver::is_option(const InputSpec& spec, const std::vector<NodePtr>& options,
                              const yaml::Node& value) {
  const auto among = [&](const yaml::Node& one) {
    return std::ranges::any_of(options, [&](const NodePtr& option) {
      return spec.type == InputType::kString ? option->text == one.text : same_value(*option, one);
    });
  };
  if (!value.is_list()) return among(value);
  return std::ranges::all_of(value.items, [&](const NodePtr& item) { return among(*item); });
}

bool InputResolver::check_regex(const InputSpec& spec, const yaml::Node& value, std::string_view which) {
  if (!spec.regex || !scope_.matches || !value.is_scalar()) return true;
  const Result<bool> found = scope_.matches(*spec.regex, value.text);
  if (!found)
    return refuse("invalid-pattern", spec.mark, spec, "invalid regular expression: " + found.error().message);
  if (*found) return true;
  return refuse("invalid-input", value.mark, spec,
                fmt::format("{} value does not match required RegEx pattern", which),
                fmt::format("It must match {}.", printable(*spec.regex)));
}

}  // namespace

GivenInput text_input(std::string name, std::string text) {
  return {.name = std::move(name),
          .value = yaml::make_scalar(Kind::kString, std::move(text), {}),
          .is_text = true};
}

GivenInputs read_given_inputs(const yaml::Node& inputs, Findings& out) {
  GivenInputs given;
  if (!inputs.is_map()) {
    out.error("invalid-type", inputs.mark, "inputs config should be a hash");
    return given;
  }
  for (const yaml::Entry& entry : inputs.entries)
    given.push_back({.name = entry.key, .value = entry.value, .is_text = false});
  return given;
}

std::optional<InputValues> resolve_inputs(const std::vector<InputSpec>& specs, const GivenInputs& given,
                                          const yaml::Mark& where, const IncludeScope& scope, Findings& out) {
  return InputResolver(specs, given, where, scope, out).run();
}

std::string interpolated_text(const yaml::Node& value) {
  if (value.is_scalar()) return value.text;
  std::string out;
  append_json(value, out);
  return out;
}

}  // namespace tidegate::config
