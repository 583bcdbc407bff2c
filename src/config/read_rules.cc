// rules, workflow:rules, only and except: when a job (or the pipeline) is there.
#include <algorithm>
#include <array>

#include <fmt/core.h>

#include "base/text.h"
#include "config/read_parts.h"

namespace tidegate::config {
namespace {

constexpr std::size_t kMaxGlobs = 50;

constexpr auto kRuleWhen =
    std::to_array<Keyword>({{"on_success"}, {"on_failure"}, {"always"}, {"never"}, {"manual"}, {"delayed"}});
constexpr auto kOnNewCommit = std::to_array<Keyword>({{"conservative"}, {"interruptible"}, {"none"}});
constexpr auto kOnJobFailure = std::to_array<Keyword>({{"none"}, {"all"}});
constexpr auto kWorkflowWhen = std::to_array<Keyword>({{"always"}, {"never"}});

std::optional<PathMatch> read_paths(const Value& value, Keywords table) {
  PathMatch match;
  std::optional<Value> paths = value;
  if (value.node().is_map()) {
    check_map(value, table);
    paths = value.find("paths");
    if (!paths) {
      value.error("missing-keyword", "missing required keys: paths");
      return std::nullopt;
    }
    if (const auto other = value.find("compare_to")) match.compare_to = read_string(*other);
    if (const auto project = value.find("project")) match.project = read_string(*project).value_or("");
    if (const auto ref = value.find("ref")) match.ref = read_string(*ref).value_or("");
    if (value.find("ref") && !value.find("project"))
      value.error("missing-keyword", "missing required keys: project", "`ref` is of another project.");
  }
  auto read = read_strings(*paths);
  if (!read) return std::nullopt;
  match.paths = *std::move(read);
  if (match.paths.size() > kMaxGlobs) paths->error("invalid-value", "is too long (maximum is 50 entries)");
  return match;
}

void read_delay(const Value& value, Rule& rule) {
  const auto start_in = value.find("start_in");
  const bool delayed = rule.when == When::kDelayed;
  if (start_in && !delayed)
    value.error("invalid-value", "contains disallowed keys: start_in", "Write `when: delayed`.");
  if (!start_in && delayed) value.error("missing-keyword", "start_in can't be blank");
  if (start_in && delayed) rule.start_in = read_duration(*start_in, std::chrono::weeks{1});
}

/// The clauses that both kinds of rules have.
void read_clauses(const Value& value, Keywords when_words, Rule& rule) {
  rule.place = value.node().mark.place();
  if (const auto expression = value.find("if")) rule.if_expression = read_string(*expression);
  if (const auto changes = value.find("changes")) rule.changes = read_paths(*changes, changes_keywords());
  if (const auto exists = value.find("exists")) rule.exists = read_paths(*exists, exists_keywords());
  if (const auto variables = value.find("variables"))
    rule.variables = read_variables(*variables, VariableForm::kScalar);
  if (const auto when = value.find("when"))
    if (const auto word = read_word(*when, when_words)) rule.when = when_of(*word);
}

/// Says so and is false when it is not a hash, or an empty one: what it decides would be a guess.
bool check_rule(const Value& value, Keywords table) {
  if (!check_map(value, table)) return false;
  if (!value.node().entries.empty()) return true;
  value.error("invalid-value", "can't be blank", "Write at least `when: on_success`.");
  return false;
}

std::optional<Rule> read_rule(const Value& value) {
  if (!check_rule(value, rule_keywords())) return std::nullopt;
  Rule rule;
  read_clauses(value, kRuleWhen, rule);
  read_delay(value, rule);
  if (const auto allow = value.find("allow_failure")) rule.allow_failure = read_allow_failure(*allow);
  if (const auto needs = value.find("needs")) {
    refuse_pipeline_needs(*needs);
    rule.needs = read_needs(*needs);
    if (rule.needs && std::ranges::any_of(*rule.needs, &Need::elsewhere))
      needs->error("invalid-value", "uses invalid types: cross_dependency",
                   "A rule may only need jobs of the same pipeline.");
  }
  if (const auto flag = value.find("interruptible")) rule.interruptible = read_bool(*flag);
  return rule;
}

std::optional<Rule> read_workflow_rule(const Value& value) {
  if (!check_rule(value, workflow_rule_keywords())) return std::nullopt;
  Rule rule;
  read_clauses(value, kWorkflowWhen, rule);
  if (const auto cancel = value.find("auto_cancel")) rule.auto_cancel = read_auto_cancel(*cancel);
  return rule;
}

std::optional<Rule> read_include_rule(const Value& value) {
  if (!check_rule(value, include_rule_keywords())) return std::nullopt;
  Rule rule;
  read_clauses(value, kWorkflowWhen, rule);
  return rule;
}

template <class ReadOne>
std::optional<std::vector<Rule>> read_list(const Value& value, ReadOne read_one) {
  const auto items = flatten(value);
  if (!items) {
    value.error("invalid-type", "should be an array containing hashes and arrays of hashes");
    return std::nullopt;
  }
  if (items->empty()) {
    value.error("invalid-value", "can't be blank", "Remove the keyword, or write at least one rule.");
    return std::nullopt;
  }
  std::vector<Rule> rules;
  for (const yaml::Node* item : *items)
    if (auto rule = read_one(value.child(*item, "rule"))) rules.push_back(*std::move(rule));
  return rules;
}

}  // namespace

std::optional<When> when_of(std::string_view word) {
  if (word == "on_success") return When::kOnSuccess;
  if (word == "on_failure") return When::kOnFailure;
  if (word == "always") return When::kAlways;
  if (word == "manual") return When::kManual;
  if (word == "delayed") return When::kDelayed;
  if (word == "never") return When::kNever;
  return std::nullopt;
}

std::optional<std::vector<Rule>> read_rules(const Value& value) {
  return read_list(value, read_rule);
}

std::optional<std::vector<Rule>> read_workflow_rules(const Value& value) {
  return read_list(value, read_workflow_rule);
}

std::optional<std::vector<Rule>> read_include_rules(const Value& value) {
  const std::size_t before = value.findings().count();
  auto rules = read_list(value, read_include_rule);
  return value.findings().count() == before ? std::move(rules) : std::nullopt;
}

AutoCancel read_auto_cancel(const Value& value) {
  AutoCancel cancel;
  if (!check_map(value, auto_cancel_keywords())) return cancel;
  if (const auto commit = value.find("on_new_commit"))
    if (const auto word = read_word(*commit, kOnNewCommit))
      cancel.on_new_commit = *word == "none"            ? OnNewCommit::kNone
                             : *word == "interruptible" ? OnNewCommit::kInterruptible
                                                        : OnNewCommit::kConservative;
  if (const auto failure = value.find("on_job_failure"))
    if (const auto word = read_word(*failure, kOnJobFailure))
      cancel.on_job_failure = *word == "all" ? OnJobFailure::kAll : OnJobFailure::kNone;
  return cancel;
}

std::optional<RefFilter> read_policy(const Value& value) {
  RefFilter filter;
  filter.place = value.node().mark.place();
  if (value.node().is_list()) {
    filter.refs = read_strings(value);
    return filter;
  }
  if (!value.node().is_map()) {
    value.error("invalid-type", "has to be either an array of conditions or a hash");
    return std::nullopt;
  }
  check_map(value, policy_keywords());
  if (const auto refs = value.find("refs")) filter.refs = read_strings(*refs);
  if (const auto variables = value.find("variables"))
    filter.variables = read_strings(*variables).value_or(std::vector<std::string>());
  if (const auto changes = value.find("changes"))
    filter.changes = read_strings(*changes).value_or(std::vector<std::string>());
  if (const auto kubernetes = value.find("kubernetes")) {
    filter.kubernetes = true;
    if (kubernetes->node().text != "active") kubernetes->error("invalid-value", "should be active");
  }
  return filter;
}

}  // namespace tidegate::config
