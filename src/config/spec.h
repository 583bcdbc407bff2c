// spec: the header document of a pipeline file. Source: GitLab CI/CD YAML reference, "Header keywords";
// Gitlab::Ci::Config::Header.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/findings.h"
#include "config/value.h"
#include "config/yaml.h"

namespace tidegate::config {

enum class InputType : std::uint8_t { kString, kNumber, kBoolean, kArray };

/// "string", "number", "boolean", "array".
std::string_view to_string(InputType type);

/// One entry of `spec:inputs:<name>:rules`: what counts when the expression holds.
struct InputRule {
  std::string if_expression;  ///< empty: the fallback, which always holds
  std::optional<std::vector<yaml::NodePtr>> options;
  yaml::NodePtr default_value;  ///< null pointer: none is written
};

/// One declared input.
struct InputSpec {
  std::string name;
  InputType type = InputType::kString;
  yaml::NodePtr default_value;  ///< null pointer: none is written, so the input is mandatory (but see rules)
  std::string description;
  std::optional<std::vector<yaml::NodePtr>> options;  ///< allowed values; of an array: of its items
  std::optional<std::string> regex;                   ///< RE2, of a string
  std::vector<InputRule> rules;                       ///< first match wins
  yaml::Mark mark;
};

struct Spec {
  std::vector<InputSpec> inputs;
  std::vector<std::string> component;  ///< which of name, sha, version, reference may be asked for
  yaml::NodePtr include;               ///< spec:include as written; null pointer: none
};

/// Reads and checks the header document (a hash with `spec`). Faults are findings, the rest is still read.
Spec read_spec(const yaml::Node& header, Findings& out);

/// Reads declarations of inputs (`spec:inputs`, or a file of spec:include). Also fits a job's `inputs`, which
/// take no `rules`: check_map() with one's own table first.
std::vector<InputSpec> read_input_specs(const Value& inputs);

}  // namespace tidegate::config
