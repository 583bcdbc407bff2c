// Inputs: the values that a file is given for what its `spec` declares. Source: GitLab docs "CI/CD inputs";
// Ci::Inputs.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/include_scope.h"
#include "config/spec.h"

namespace tidegate::config {

/// A value for an input, as given.
struct GivenInput {
  std::string name;
  yaml::NodePtr value;
  /// The value came as text (command line, API, schedule): `5` for a number, `true`, `["a"]` as JSON. It is
  /// read as the declared type asks.
  bool is_text = false;
};
using GivenInputs = std::vector<GivenInput>;

/// name, value: of the declared type, one for each declared input.
using InputValues = std::vector<std::pair<std::string, yaml::NodePtr>>;

/// An input from the command line or another place where everything is text.
GivenInput text_input(std::string name, std::string text);

/// The values of an `inputs:` hash (include:inputs, trigger:include:inputs); a finding when it is no hash.
GivenInputs read_given_inputs(const yaml::Node& inputs, Findings& out);

/// Every declared input with its value: the given one, else the default. What is missing, unknown, of the
/// wrong type, not among the options or does not match the regex is a finding at `where` (or at the given
/// value), and the answer is nothing. An include's values must have the declared type; text is read as it.
std::optional<InputValues> resolve_inputs(const std::vector<InputSpec>& specs, const GivenInputs& given,
                                          const yaml::Mark& where, const IncludeScope& scope, Findings& out);

/// How a value looks inside a larger text: a scalar as itself, an array or hash as JSON.
std::string interpolated_text(const yaml::Node& value);

}  // namespace tidegate::config
