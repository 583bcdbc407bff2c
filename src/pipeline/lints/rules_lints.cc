// Lints about which jobs there are in which pipelines.
#include <algorithm>
#include <set>

#include <fmt/core.h>

#include "base/text.h"
#include "pipeline/lints/finders.h"

namespace tidegate::pipeline::lints {
namespace {

bool is_catch_all(const config::Rule& rule) {
  return !rule.if_expression && !rule.changes && !rule.exists;
}

bool all_never(const config::Job& job) {
  return job.when != config::When::kNever && std::ranges::all_of(*job.rules, [](const config::Rule& rule) {
           return rule.when == config::When::kNever;
         });
}

std::string why_never(const config::Job& job) {
  if (job.rules->empty()) return "its rules are empty";
  if (all_never(job)) return "every rule says `when: never`";
  return "no rule can match in a pipeline that the workflow lets through";
}

}  // namespace

void find_job_never_created(Subject& subject, Warnings& out) {
  if (subject.worlds.possible() == 0) return;
  for (const Reading& reading : subject.jobs)
    if (reading.job->rules && reading.reach.may == 0)
      out.add(reading.job->place, reading.job->name,
              fmt::format("{} is in no pipeline: {}", name_of(reading), why_never(*reading.job)),
              "Remove it, hide it with a dot before its name, or mend its rules.");
}

void find_rule_never_matches(Subject& subject, Warnings& out) {
  for (const Reading& reading : subject.jobs) {
    if (!reading.job->rules || reading.reach.may == 0) continue;
    const auto& rules = *reading.job->rules;
    const auto catch_all =
        static_cast<std::size_t>(std::ranges::find_if(rules, is_catch_all) - rules.begin());
    for (std::size_t i = 0; i < rules.size() && i < reading.reach.rules.size(); ++i) {
      if (reading.reach.rules[i] != 0) continue;
      const bool contradiction =
          rules[i].if_expression && subject.worlds.may_hold(*rules[i].if_expression) == 0;
      std::string why = "a pipeline in which it could match has another rule before it, or none at all";
      if (contradiction) why = "its `if` is true in no kind of pipeline";
      if (catch_all < i) why = fmt::format("rules[{}] before it always matches", catch_all);
      out.add(rules[i].place, reading.job->name,
              fmt::format("{}: rules[{}] never matches: {}", name_of(reading), i, why),
              "The first rule that matches decides. CI_COMMIT_BRANCH is not set in pipelines of merge "
              "requests and tags.");
    }
  }
}

void find_constant_condition(Subject& subject, Warnings& out) {
  const auto check = [&](const std::string& job, const std::vector<config::Rule>& rules) {
    for (const config::Rule& rule : rules) {
      if (!rule.if_expression) continue;
      const Truth truth = subject.conditions.of(*rule.if_expression).constant;
      if (truth == Truth::kUnknown) continue;
      out.add(rule.place, job,
              fmt::format("This condition is always {}: {}", truth == Truth::kTrue ? "true" : "false",
                          printable(*rule.if_expression)),
              "Each side of || and && is a condition of its own: $A == \"x\" || $A == \"y\".");
    }
  };
  if (subject.definition.workflow.rules) check({}, *subject.definition.workflow.rules);
  for (const Reading& reading : subject.jobs)
    if (reading.job->rules) check(reading.job->name, *reading.job->rules);
}

namespace {

bool changes_needs(const config::Job& job) {
  return job.rules &&
         std::ranges::any_of(*job.rules, [](const config::Rule& rule) { return rule.needs.has_value(); });
}

/// Why there is no pipeline when the one job needs the other; empty: there may be one.
std::string why_need_is_missing(const Reading& reading, const Reading& other) {
  if (const WorldSet broken = reading.reach.must & ~other.reach.may; broken != 0)
    return fmt::format("whose rules leave it out of {}", Worlds::describe(broken));
  if (reading.reach.may != 0 && other.reach.may != 0 && (reading.reach.may & other.reach.may) == 0)
    return fmt::format("whose rules leave it out wherever {} is, {} for one", name_of(reading),
                       Worlds::describe(reading.reach.may));
  const WorldSet broken = reading.stray.must & ~other.stray.may & Worlds::with_diff();
  if (broken == 0) return {};
  if (std::ranges::any_of(other.job->rules.value_or(std::vector<config::Rule>()),
                          [](const config::Rule& rule) { return rule.changes.has_value(); }) ||
      (other.job->only && !other.job->only->changes.empty()))
    return fmt::format("which is not in {} that changes none of its paths", Worlds::describe(broken));
  return fmt::format("which is not in {} that its rules do not name", Worlds::describe(broken));
}

}  // namespace

void find_need_not_there(Subject& subject, Warnings& out) {
  for (const Reading& reading : subject.jobs) {
    if (!reading.job->needs || changes_needs(*reading.job)) continue;
    for (const config::Need& need : *reading.job->needs) {
      const Reading* other = subject.find(need.job);
      if (need.optional || need.elsewhere() || other == nullptr) continue;
      const std::string why = why_need_is_missing(reading, *other);
      if (why.empty()) continue;
      out.add(need.place, reading.job->name,
              fmt::format("{} needs {}, {}: then there is no pipeline at all", name_of(reading),
                          name_of(*other), why),
              "Give both the same rules, or write `optional: true`.");
    }
  }
}

void find_duplicate_pipelines(Subject& subject, Warnings& out) {
  if (subject.definition.workflow.rules) return;
  const WorldSet push = Worlds::push_with_merge_request();
  const WorldSet request = Worlds::of_source("merge_request_event");
  for (const Reading& reading : subject.jobs) {
    if (!reading.job->rules) continue;
    const Reach reach = subject.worlds.reach(*reading.job, Changes::kTrue);
    if ((reach.must & push) == 0 || (reach.must & request) == 0) continue;
    out.add(reading.job->place, reading.job->name,
            fmt::format("{} runs twice for a push to a branch with an open merge request: once for the "
                        "branch, once for the merge request",
                        name_of(reading)),
            "Say in `workflow:rules` which of the two there should be.");
    return;  // one is enough: the remedy is for the file
  }
}

namespace {

/// Sources whose pipelines the file itself reckons with, and which have no diff.
WorldSet expected_without_diff(const Subject& subject) {
  WorldSet set = 0;
  const auto note = [&](const std::optional<std::vector<config::Rule>>& rules) {
    if (!rules) return;
    for (const config::Rule& rule : *rules)
      for (const std::string_view source : {"schedule", "trigger", "pipeline", "api"})
        if (rule.if_expression && rule.when != config::When::kNever &&
            (rule.if_expression->contains(fmt::format("== \"{}\"", source)) ||
             rule.if_expression->contains(fmt::format("== '{}'", source))))
          set |= Worlds::of_source(source);
  };
  note(subject.definition.workflow.rules);
  for (const Reading& reading : subject.jobs) note(reading.job->rules);
  return set & subject.worlds.possible();
}

}  // namespace

void find_changes_always_true(Subject& subject, Warnings& out) {
  const WorldSet expected = expected_without_diff(subject);
  if (expected == 0) return;
  for (const Reading& reading : subject.jobs) {
    if (!reading.job->rules) continue;
    const auto& rules = *reading.job->rules;
    for (std::size_t i = 0; i < rules.size() && i < reading.reach.rules.size(); ++i) {
      const config::Rule& rule = rules[i];
      if (!rule.changes || rule.changes->compare_to || rule.when == config::When::kNever) continue;
      const WorldSet there = reading.reach.rules[i] & reading.reach.must & expected;
      if (there == 0) continue;
      out.add(
          rule.place, reading.job->name,
          fmt::format("{}: rules[{}]: `changes` is always true in {}, which has no diff", name_of(reading), i,
                      Worlds::describe(there)),
          "Add an `if` that keeps the rule to pushes and merge requests, or `compare_to`. (A data pipeline "
          "of Tidegate has a diff: its candidate against its base.)");
    }
  }
}

namespace {

/// Why no path of a repository can match; empty: one may.
std::string_view why_no_path(std::string_view glob) {
  if (glob.starts_with('/')) return "paths have no slash at the beginning";
  if (glob.starts_with("./") || glob.contains("/./")) return "paths have no `.` in them";
  if (glob.starts_with("../") || glob.contains("/../")) return "paths have no `..` in them";
  if (glob.ends_with('/')) return "only files are compared, no folders; write `/**/*` behind it";
  return {};
}

}  // namespace

void find_glob_never_matches(Subject& subject, Warnings& out) {
  const auto check = [&](const Reading& reading, const config::Place& place, const char* keyword,
                         const std::vector<std::string>& globs) {
    for (const std::string& glob : globs) {
      const std::string_view why = why_no_path(glob);
      if (why.empty()) continue;
      out.add(
          place, reading.job->name,
          fmt::format("{}: `{}: {}` matches nothing: {}", name_of(reading), keyword, printable(glob), why),
          "Write paths from the root of the repository, as `git ls-files` prints them.");
    }
  };
  for (const Reading& reading : subject.jobs) {
    for (const config::Rule& rule : reading.job->rules.value_or(std::vector<config::Rule>())) {
      if (rule.changes) check(reading, rule.place, "changes", rule.changes->paths);
      if (rule.exists) check(reading, rule.place, "exists", rule.exists->paths);
    }
    if (reading.job->only)
      check(reading, reading.job->only->place, "only:changes", reading.job->only->changes);
    if (reading.job->except)
      check(reading, reading.job->except->place, "except:changes", reading.job->except->changes);
  }
}

void find_only_with_rules(Subject& subject, Warnings& out) {
  const auto by_rules = [](const Reading& reading) { return reading.job->rules.has_value(); };
  const auto by_only = [](const Reading& reading) { return reading.job->only || reading.job->except; };
  const auto rules = std::ranges::find_if(subject.jobs, by_rules);
  const auto only = std::ranges::find_if(subject.jobs, by_only);
  if (rules == subject.jobs.end() || only == subject.jobs.end()) return;
  out.add(
      only->job->place, only->job->name,
      fmt::format("{} uses `only` or `except`, {} uses `rules`: without conditions the one is left out of "
                  "merge request pipelines and the other is not",
                  name_of(*only), name_of(*rules)),
      "Write `rules` everywhere; GitLab keeps `only` and `except` for old files.");
}

}  // namespace tidegate::pipeline::lints
