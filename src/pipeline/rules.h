// Which rule matches: the clauses if, changes and exists, and the words that say why.
// Source: GitLab docs "rules", lib/gitlab/ci/build/rules.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "base/result.h"
#include "config/definition.h"
#include "pipeline/expression.h"
#include "pipeline/glob.h"
#include "pipeline/plan.h"
#include "pipeline/variable_scope.h"

namespace tidegate::pipeline {

/// Whether a clause holds, and the words for it.
struct Verdict {
  bool holds = false;
  std::string why;
};

/// Evaluates clauses for one compile(); remembers parsed expressions, globs and answers, so that thousands of
/// jobs with the same rules cost little. Not for several threads.
class Evaluator {
 public:
  explicit Evaluator(const Context& context) : context_(context) {}

  /// nullptr inside an error never happens; the expression lives as long as the Evaluator.
  Result<const Expression*> expression(const std::string& text);

  Result<Verdict> if_clause(const std::string& text, VariableScope& scope);
  /// rules:changes. True without a base to compare with; an error when compare_to is no ref.
  Result<Verdict> changes(const config::PathMatch& match, VariableScope& scope);
  /// only:changes / except:changes: no variables, no compare_to.
  Result<Verdict> changes(const std::vector<std::string>& globs);
  /// rules:exists. An error when the project or its ref is not there.
  Result<Verdict> exists(const config::PathMatch& match, VariableScope& scope);

  const Context& context() const { return context_; }

 private:
  Result<const Glob*> glob(const std::string& text);
  Result<Verdict> any_changed(const std::vector<std::string>& globs, const std::vector<std::string>& paths);
  struct Tree {
    std::vector<std::string> paths;
    std::unordered_set<std::string> set;
  };
  /// `where`: of the match, expanded.
  Result<const Tree*> tree(const config::PathMatch& where);
  Result<std::string> expand(const std::string& text, VariableScope& scope);
  Result<std::optional<std::string>> find_in_tree(const std::vector<std::string>& globs, const Tree& tree);
  static std::optional<std::string> find_plainly(const std::vector<std::string>& globs, const Tree& tree,
                                                 std::vector<std::string>& patterns);

  const Context& context_;
  std::unordered_map<std::string, Result<Expression>> expressions_;
  std::unordered_map<std::string, Result<Glob>> globs_;
  std::unordered_map<std::string, Verdict> verdicts_;
  std::unordered_map<std::string, std::optional<std::vector<std::string>>> changed_against_;
  std::map<std::pair<std::string, std::string>, Tree> trees_;  ///< by project and ref; empty: our own
};

/// Whether any rule of the definition asks which paths changed. With a trigger job in it: yes, for what its
/// pipeline asks is not known yet.
bool asks_for_changes(const config::Definition& definition);

/// The rule that decided.
struct RulesOutcome {
  const config::Rule* rule = nullptr;  ///< nothing: no rule matched
  std::string reason;
};

/// First match wins. `label` is how the reasons call the list: "rules" or "workflow:rules". An error refuses
/// the whole pipeline.
Result<RulesOutcome> evaluate_rules(const std::vector<config::Rule>& rules, std::string_view label,
                                    Evaluator& evaluator, VariableScope& scope);

}  // namespace tidegate::pipeline
