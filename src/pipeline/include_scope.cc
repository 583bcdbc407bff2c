#include "pipeline/include_scope.h"

#include <memory>
#include <utility>

#include "base/text.h"
#include "config/sources.h"
#include "pipeline/expression.h"
#include "pipeline/predefined.h"
#include "pipeline/regex.h"
#include "pipeline/rules.h"
#include "pipeline/variables.h"

namespace tidegate::pipeline {
namespace {

/// In the order of strength, weakest first.
JobVariables known_variables(const Context& context) {
  JobVariables variables = context.predefined;
  for (JobVariable& variable : pipeline_predefined(context)) variables.push_back(std::move(variable));
  variables.insert(variables.end(), context.project.begin(), context.project.end());
  variables.insert(variables.end(), context.pipeline.begin(), context.pipeline.end());
  return variables;
}

Result<bool> rules_hold(const std::vector<config::Rule>& rules, const Context& context,
                        const JobVariables& variables) {
  Evaluator evaluator(context);
  VariableScope scope(variables);
  TG_TRY(const RulesOutcome outcome, evaluate_rules(rules, "include:rules", evaluator, scope));
  return outcome.rule != nullptr && outcome.rule->when != config::When::kNever;
}

Result<bool> input_rule_holds(const std::string& text, const config::InputLookup& inputs) {
  TG_TRY(const Expression expression, Expression::parse(text));
  return expression.is_true({.variable = [](std::string_view) { return std::nullopt; }, .input = inputs});
}

Result<bool> pattern_matches(const std::string& pattern, std::string_view text) {
  TG_TRY(const Regex regex, Regex::compile(pattern));
  return regex.search(text);
}

/// Variables with the index over them; the index points into the list.
struct Known {
  explicit Known(JobVariables variables) : list(std::move(variables)), index(list) {
    for (const JobVariable& variable : list)
      if (variable.masked && index.find(variable.key) == &variable) masked.push_back(variable);
    masked_index = VariableIndex(masked);
  }
  Known(const Known&) = delete;
  Known& operator=(const Known&) = delete;

  JobVariables list;
  VariableIndex index;
  JobVariables masked;
  VariableIndex masked_index;
};

/// Known names replaced, and only those; a masked value must not become a part of the configuration.
Result<std::string> expand_unmasked(std::string_view text, const Known& known) {
  if (expand_text(text, known.masked_index, Undefined::kKeep) != text)
    return fail(Errc::kInvalid, "masked variables cannot be expanded");
  return expand_text(text, known.index, Undefined::kKeep);
}

config::IncludeScope scope_with(const Context& context, JobVariables variables) {
  const auto known = std::make_shared<const Known>(std::move(variables));
  config::IncludeScope scope;
  scope.expand = [known](std::string_view text) {
    return expand_text(text, known->index, Undefined::kBlank);
  };
  scope.expand_known = [known](std::string_view text) { return expand_unmasked(text, *known); };
  scope.holds = [&context, known](const std::vector<config::Rule>& rules,
                                  const config::Repository& where) -> Result<bool> {
    if (where.project.empty()) return rules_hold(rules, context, known->list);
    Context elsewhere = context;  // `exists` asks the repository that the include stands in
    elsewhere.tree = where.list;
    return rules_hold(rules, elsewhere, known->list);
  };
  scope.mask = [known](std::string text) {
    for (const JobVariable& variable : known->masked)
      if (!variable.value.empty()) text = replace_all(std::move(text), variable.value, "[MASKED]");
    return text;
  };
  scope.input_rule = input_rule_holds;
  scope.matches = pattern_matches;
  return scope;
}

}  // namespace

config::IncludeScope include_scope(const Context& context) {
  config::IncludeScope scope = scope_with(context, known_variables(context));
  scope.outside = std::make_shared<const config::IncludeScope>(scope_with(context, {}));
  return scope;
}

}  // namespace tidegate::pipeline
