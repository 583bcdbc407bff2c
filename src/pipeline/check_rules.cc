// The part of plan.h that needs no context: are expressions, patterns and globs well formed?
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/text.h"
#include "pipeline/expression.h"
#include "pipeline/glob.h"
#include "pipeline/plan.h"
#include "pipeline/regex.h"

namespace tidegate::pipeline {
namespace {

class RuleChecker {
 public:
  config::Diagnostics run(const config::Definition& definition) {
    if (definition.workflow.rules) check("workflow", *definition.workflow.rules);
    for (const auto& job : definition.jobs) {
      const std::string name = "job " + printable(job.name, 100);
      job_ = job.name;
      if (job.rules) check(name, *job.rules);
      if (job.only) check(name + ": only", *job.only);
      if (job.except) check(name + ": except", *job.except);
      if (!job.coverage.empty()) check_coverage(name, job);
      for (const auto& input : job.inputs)
        if (!input.regex.empty()) check_input(name, job, input);
    }
    return std::move(diagnostics_);
  }

 private:
  void report(std::string code, const config::Place& place, std::string message, std::string hint) {
    diagnostics_.push_back({.severity = config::Severity::kError,
                            .code = std::move(code),
                            .message = std::move(message),
                            .place = place,
                            .hint = std::move(hint),
                            .job = job_});
  }

  void check_expression(const std::string& where, const std::string& text, const config::Place& place) {
    auto known = problems_.find(text);
    if (known == problems_.end()) {
      const auto parsed = Expression::parse(text);
      known = problems_.emplace(text, parsed ? std::string() : parsed.error().message).first;
    }
    if (known->second.empty()) return;
    report("invalid-expression", place,
           fmt::format("{}: invalid expression syntax: {}: {}", where, printable(text), known->second),
           R"(write for example: $CI_COMMIT_BRANCH == "main" && $DEPLOY =~ /^(yes|true)$/)");
  }

  void check_coverage(const std::string& where, const config::Job& job) {
    const auto regex = Regex::compile(job.coverage.substr(1, job.coverage.rfind('/') - 1));
    if (regex) return;
    report("invalid-pattern", job.place,
           fmt::format("{}: coverage: {}: {}", where, printable(job.coverage), regex.error().message),
           R"(write RE2 between slashes, for example: /TOTAL.*\s(\d+%)/)");
  }

  void check_input(const std::string& where, const config::Job& job, const config::JobInput& input) {
    const std::string which = fmt::format("{}: `{}` input", where, printable(input.name, 100));
    const auto regex = Regex::compile(input.regex);
    if (!regex) {
      report("invalid-pattern", job.place,
             fmt::format("{}: {}: {}", which, printable(input.regex), regex.error().message),
             "write RE2 without slashes, for example: ^v[0-9]+$");
    } else if (!regex->search(input.value)) {
      report("invalid-input", job.place, which + ": default value does not match required RegEx pattern",
             fmt::format("it must match {}", printable(input.regex)));
    }
  }

  void check_globs(const std::string& where, const std::vector<std::string>& globs,
                   const config::Place& place) {
    for (const auto& text : globs) {
      const auto glob = Glob::compile(text);
      if (!glob) report("invalid-glob", place, where + ": " + glob.error().message, "use fewer alternatives");
    }
  }

  void check(const std::string& job, const std::vector<config::Rule>& rules) {
    for (std::size_t i = 0; i < rules.size(); ++i) {
      const auto& rule = rules[i];
      const std::string where = fmt::format("{}: rules[{}]", job, i);
      if (rule.if_expression) check_expression(where + ":if", *rule.if_expression, rule.place);
      if (rule.changes) check_globs(where + ":changes", rule.changes->paths, rule.place);
      if (rule.exists) check_globs(where + ":exists", rule.exists->paths, rule.place);
    }
  }

  void check(const std::string& where, const config::RefFilter& filter) {
    for (const auto& text : filter.variables) check_expression(where + ":variables", text, filter.place);
    check_globs(where + ":changes", filter.changes, filter.place);
    for (const auto& ref : filter.refs.value_or(std::vector<std::string>{})) {
      const std::string pattern = ref.substr(0, ref.find('@'));
      if (!pattern.starts_with('/')) continue;
      const auto regex = Regex::from_slashes(pattern);
      if (regex) continue;
      report("invalid-pattern", filter.place,
             fmt::format("{}:refs: {}: {}", where, printable(ref), regex.error().message),
             "patterns are RE2 between slashes, with flags i, s, m, U");
    }
  }

  config::Diagnostics diagnostics_;
  std::string job_;
  std::unordered_map<std::string, std::string> problems_;  ///< expression → what is wrong; empty: nothing
};

}  // namespace

config::Diagnostics check_rules(const config::Definition& definition) {
  return RuleChecker().run(definition);
}

}  // namespace tidegate::pipeline
