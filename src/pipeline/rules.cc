#include "pipeline/rules.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/text.h"

namespace tidegate::pipeline {
namespace {

/// Above this many comparisons GitLab stops comparing and takes the clause for true.
constexpr std::size_t kMaxComparisons = 50'000;
/// How many failed rules a reason tells of.
constexpr std::size_t kMaxReasons = 8;

std::string describe_variable(std::string_view name, const VariableIndex& variables) {
  const auto* variable = variables.find(name);
  if (variable == nullptr) return fmt::format("{} undefined", name);
  if (variable->masked || !variable->is_public) return fmt::format("{}=[masked]", name);
  return fmt::format("{}=\"{}\"", name, printable(variable->value, 60));
}

std::string list(const std::vector<std::string>& items) {
  return "[" + printable(join(items, ", "), 120) + "]";
}

bool is_exact(std::string_view glob) {
  return glob.find_first_of("*?[{") == std::string_view::npos;
}

/// The ".rb" of "**/*.rb": GitLab compares only the end of the path.
std::optional<std::string_view> extension_of(std::string_view glob) {
  if (glob.starts_with("**/*")) glob.remove_prefix(4);
  if (!glob.starts_with('.') || glob.contains('/') || !is_exact(glob)) return std::nullopt;
  return glob;
}

std::vector<std::string> unique(std::vector<std::string> items) {
  std::unordered_set<std::string> seen;
  std::erase_if(items, [&](const std::string& item) { return !seen.insert(item).second; });
  return items;
}

Result<std::vector<std::string>> expand_globs(const std::vector<std::string>& globs, VariableScope& scope) {
  std::vector<std::string> out;
  for (const auto& glob : globs) {
    if (!has_reference(glob)) {
      out.push_back(glob);
      continue;
    }
    TG_TRY(const auto* variables, scope.expanded());
    out.push_back(expand_text(glob, *variables, Undefined::kKeep));
  }
  return unique(std::move(out));
}

}  // namespace

Result<const Expression*> Evaluator::expression(const std::string& text) {
  auto found = expressions_.find(text);
  if (found == expressions_.end()) found = expressions_.emplace(text, Expression::parse(text)).first;
  if (!found->second) return found->second.error();
  return &*found->second;
}

Result<const Glob*> Evaluator::glob(const std::string& text) {
  auto found = globs_.find(text);
  if (found == globs_.end()) found = globs_.emplace(text, Glob::compile(text)).first;
  if (!found->second) return found->second.error();
  return &*found->second;
}

Result<Verdict> Evaluator::if_clause(const std::string& text, VariableScope& scope) {
  TG_TRY(const auto* parsed, expression(text));
  const VariableIndex& variables = scope.plain();
  const ExpressionScope values{.variable = [&](std::string_view name) -> std::optional<std::string_view> {
                                 if (const auto* variable = variables.find(name)) return variable->value;
                                 return std::nullopt;
                               },
                               .input = {}};
  Verdict verdict{.holds = parsed->is_true(values), .why = "if " + printable(text, 200)};
  std::vector<std::string> parts;
  for (const auto& name : parsed->variables()) parts.push_back(describe_variable(name, variables));
  if (!parts.empty()) verdict.why += " (" + join(parts, ", ") + ")";
  verdict.why += verdict.holds ? " is true" : " is false";
  return verdict;
}

Result<Verdict> Evaluator::any_changed(const std::vector<std::string>& globs,
                                       const std::vector<std::string>& paths) {
  if (globs.size() * paths.size() > kMaxComparisons) {
    return Verdict{.holds = true, .why = fmt::format("changes {}: too many paths to compare", list(globs))};
  }
  for (const auto& text : globs) {
    TG_TRY(const auto* compiled, glob(text));
    const auto found = std::ranges::find_if(paths, [&](const auto& path) { return compiled->matches(path); });
    if (found != paths.end()) {
      return Verdict{.holds = true,
                     .why = fmt::format("changes {} match {}", list(globs), printable(*found, 100))};
    }
  }
  const std::vector<std::string> some(paths.begin(),
                                      paths.begin() + std::min<std::ptrdiff_t>(3, std::ssize(paths)));
  std::string why = fmt::format("changes {} match none of {} changed paths", list(globs), paths.size());
  if (!some.empty())
    why += fmt::format(" ({}{})", printable(join(some, ", "), 120), paths.size() > 3 ? ", …" : "");
  return Verdict{.holds = false, .why = std::move(why)};
}

Result<Verdict> Evaluator::changes(const std::vector<std::string>& globs) {
  if (!context_.changed) {
    return Verdict{.holds = true, .why = fmt::format("changes {}: no base to compare with", list(globs))};
  }
  const std::string key = "changes" + std::string(1, '\0') + join(globs, std::string_view("\0", 1));
  const auto known = verdicts_.find(key);
  if (known != verdicts_.end()) return known->second;
  TG_TRY(auto verdict, any_changed(globs, *context_.changed));
  return verdicts_.emplace(key, std::move(verdict)).first->second;
}

Result<Verdict> Evaluator::changes(const config::PathMatch& match, VariableScope& scope) {
  TG_TRY(const auto globs, expand_globs(match.paths, scope));
  if (!match.compare_to || !context_.changed_against) return changes(globs);
  TG_TRY(const std::string ref, expand(*match.compare_to, scope));
  auto known = changed_against_.find(ref);
  if (known == changed_against_.end()) {
    known = changed_against_.emplace(ref, context_.changed_against(ref)).first;
  }
  const std::optional<std::vector<std::string>>& paths = known->second;
  if (!paths) {
    return fail(Errc::kInvalid,
                fmt::format("rules:changes:compare_to is not a valid ref: {}", printable(ref)));
  }
  TG_TRY(auto verdict, any_changed(globs, *paths));
  verdict.why += " (compared to " + printable(ref, 60) + ")";
  return verdict;
}

Result<std::string> Evaluator::expand(const std::string& text, VariableScope& scope) {
  if (!has_reference(text)) return text;
  TG_TRY(const auto* variables, scope.expanded());
  return expand_text(text, *variables, Undefined::kKeep);
}

Result<const Evaluator::Tree*> Evaluator::tree(const config::PathMatch& where) {
  const std::pair key(where.project, where.ref);
  if (const auto known = trees_.find(key); known != trees_.end()) return &known->second;
  Tree tree;
  if (where.project.empty()) {
    if (context_.tree) tree.paths = context_.tree();
  } else if (!context_.tree_of) {
    return fail(Errc::kUnavailable, fmt::format("rules:exists:project: the files of {} cannot be had here",
                                                printable(where.project)));
  } else {
    TG_TRY(tree.paths, context_.tree_of(where.project, where.ref));
  }
  tree.set = {tree.paths.begin(), tree.paths.end()};
  return &trees_.emplace(key, std::move(tree)).first->second;
}

/// What needs no glob matching; the other globs go to `patterns`.
std::optional<std::string> Evaluator::find_plainly(const std::vector<std::string>& globs, const Tree& tree,
                                                   std::vector<std::string>& patterns) {
  for (const auto& text : globs) {
    if (is_exact(text)) {
      if (tree.set.contains(text)) return text;
    } else if (const auto extension = extension_of(text)) {
      const auto found =
          std::ranges::find_if(tree.paths, [&](const auto& path) { return path.ends_with(*extension); });
      if (found != tree.paths.end()) return *found;
    } else {
      patterns.push_back(text);
    }
  }
  return std::nullopt;
}

Result<std::optional<std::string>> Evaluator::find_in_tree(const std::vector<std::string>& globs,
                                                           const Tree& tree) {
  const auto& paths = tree.paths;
  std::vector<std::string> patterns;
  if (auto found = find_plainly(globs, tree, patterns)) return found;
  const bool top_only = std::ranges::all_of(
      globs, [](const std::string& text) { return !text.contains('/') && !text.contains("**"); });
  const auto counts = [&](const std::string& path) { return !top_only || !path.contains('/'); };
  const auto size = static_cast<std::size_t>(std::ranges::count_if(paths, counts));
  if (patterns.size() * size > kMaxComparisons)
    return std::optional<std::string>("too many paths to compare");
  for (const auto& text : patterns) {
    TG_TRY(const auto* compiled, glob(text));
    for (const auto& path : paths) {
      if (counts(path) && compiled->matches(path)) return std::optional(path);
    }
  }
  return std::optional<std::string>{};
}

Result<Verdict> Evaluator::exists(const config::PathMatch& match, VariableScope& scope) {
  TG_TRY(const auto globs, expand_globs(match.paths, scope));
  config::PathMatch where;
  TG_TRY(where.project, expand(match.project, scope));
  TG_TRY(where.ref, expand(match.ref, scope));
  const std::string_view nul("\0", 1);
  const std::string key = join({"exists", where.project, where.ref, join(globs, nul)}, nul);
  const auto known = verdicts_.find(key);
  if (known != verdicts_.end()) return known->second;
  TG_TRY(const Tree* tree, this->tree(where));
  TG_TRY(const auto found, find_in_tree(globs, *tree));
  Verdict verdict{.holds = found.has_value(), .why = "exists " + list(globs)};
  if (!where.project.empty()) verdict.why += " in " + printable(where.project, 100);
  verdict.why += found ? ": " + printable(*found, 100) : ": no such file";
  return verdicts_.emplace(key, std::move(verdict)).first->second;
}

namespace {

/// All clauses of a rule; the words are those of the first that fails, or of all.
Result<Verdict> evaluate_rule(const config::Rule& rule, Evaluator& evaluator, VariableScope& scope) {
  std::vector<std::string> held;
  if (rule.if_expression) {
    TG_TRY(auto verdict, evaluator.if_clause(*rule.if_expression, scope));
    if (!verdict.holds) return verdict;
    held.push_back(std::move(verdict.why));
  }
  if (rule.changes) {
    TG_TRY(auto verdict, evaluator.changes(*rule.changes, scope));
    if (!verdict.holds) return verdict;
    held.push_back(std::move(verdict.why));
  }
  if (rule.exists) {
    TG_TRY(auto verdict, evaluator.exists(*rule.exists, scope));
    if (!verdict.holds) return verdict;
    held.push_back(std::move(verdict.why));
  }
  if (held.empty()) held.emplace_back("always matches");
  return Verdict{.holds = true, .why = join(held, " and ")};
}

}  // namespace

Result<RulesOutcome> evaluate_rules(const std::vector<config::Rule>& rules, std::string_view label,
                                    Evaluator& evaluator, VariableScope& scope) {
  std::vector<std::string> failed;
  for (std::size_t i = 0; i < rules.size(); ++i) {
    TG_TRY(auto verdict, evaluate_rule(rules[i], evaluator, scope));
    if (verdict.holds) {
      RulesOutcome outcome{.rule = &rules[i], .reason = fmt::format("{}[{}]: {}", label, i, verdict.why)};
      if (rules[i].when == config::When::kNever) outcome.reason += "; when: never";
      return outcome;
    }
    if (i < kMaxReasons) failed.push_back(fmt::format("{}[{}]: {}", label, i, verdict.why));
  }
  if (rules.size() > kMaxReasons) failed.push_back(fmt::format("… {} more", rules.size() - kMaxReasons));
  if (rules.empty()) failed.push_back(fmt::format("{} is empty", label));
  failed.emplace_back("no rule matched");
  return RulesOutcome{.rule = nullptr, .reason = join(failed, "; ")};
}

bool asks_for_changes(const config::Definition& definition) {
  const auto in_rules = [](const std::optional<std::vector<config::Rule>>& rules) {
    return rules &&
           std::ranges::any_of(*rules, [](const config::Rule& rule) { return rule.changes.has_value(); });
  };
  const auto in_filter = [](const Rare<config::RefFilter>& filter) {
    return filter && !filter->changes.empty();
  };
  return in_rules(definition.workflow.rules) ||
         std::ranges::any_of(definition.jobs, [&](const config::Job& job) {
           return job.is_bridge() || in_rules(job.rules) || in_filter(job.only) || in_filter(job.except);
         });
}

}  // namespace tidegate::pipeline
