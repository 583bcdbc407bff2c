// IncludeScope: what includes and inputs know of the pipeline that they are read for.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "config/definition.h"

namespace tidegate::config {

struct Repository;

/// The text of an input by its name; nothing when there is none.
using InputLookup = std::function<std::optional<std::string_view>(std::string_view name)>;

/// Questions that this room cannot answer by itself: variables, expressions and regular expressions belong to
/// the pipeline. pipeline::include_scope() gives the answers. Only project, pipeline and predefined variables
/// are known, never those of the configuration. A member may be empty; then variables stay as written, rules
/// and expressions hold and every text matches.
struct IncludeScope {
  /// $name, ${name} and %name% replaced, once; unknown names become blank. For paths of includes.
  std::function<std::string(std::string_view text)> expand;
  /// The function `expand_vars`: unknown names stay. An error when the text names a masked variable.
  std::function<Result<std::string>(std::string_view text)> expand_known;
  /// include:rules, first match wins; `changes` and `exists` are about `where`. An error refuses all.
  std::function<Result<bool>(const std::vector<Rule>& rules, const Repository& where)> holds;
  /// spec:inputs:rules:if. An error says what is wrong with the expression.
  std::function<Result<bool>(const std::string& expression, const InputLookup& inputs)> input_rule;
  /// spec:inputs:regex: whether the RE2 pattern is found in the text.
  std::function<Result<bool>(const std::string& pattern, std::string_view text)> matches;
  /// For findings: the values of masked variables hidden.
  std::function<std::string(std::string text)> mask;
  /// The same without any variable, for files from outside (remote, template): what they write must not
  /// learn what the project's variables hold. Empty: this scope itself.
  std::shared_ptr<const IncludeScope> outside;
};

}  // namespace tidegate::config
