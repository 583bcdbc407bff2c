#include "pipeline/only_except.h"

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/text.h"
#include "pipeline/predefined.h"
#include "pipeline/regex.h"

namespace tidegate::pipeline {
namespace {

/// The plural of a source, as in "schedules", "pushes", "merge_requests".
std::string plural(std::string_view source) {
  const bool hisses = source.ends_with("sh") || source.ends_with("ch") || source.ends_with('s');
  return std::string(source) + (hisses ? "es" : "s");
}

struct Key {
  bool holds = false;
  std::string why;
};

Key refs_key(const std::vector<std::string>& refs, const Context& context, VariableScope& scope) {
  const auto found = std::ranges::find_if(
      refs, [&](const std::string& pattern) { return ref_matches(pattern, context, scope.plain()); });
  const std::string what =
      fmt::format("{} {} ({})", context.is_tag ? "tag" : "ref", printable(context.ref, 60), context.source);
  if (found != refs.end()) return {true, fmt::format("refs: {} matches {}", printable(*found, 60), what)};
  return {false, fmt::format("refs: none of [{}] matches {}", printable(join(refs, ", "), 120), what)};
}

/// The keys that were written, each with its answer.
Result<std::vector<Key>> evaluate_keys(const config::RefFilter& filter, bool default_refs,
                                       Evaluator& evaluator, VariableScope& scope) {
  std::vector<Key> keys;
  const Context& context = evaluator.context();
  if (filter.refs) {
    keys.push_back(refs_key(*filter.refs, context, scope));
  } else if (default_refs) {
    keys.push_back(refs_key({"branches", "tags"}, context, scope));
  }
  if (!filter.variables.empty()) {
    Key key;
    for (const auto& expression : filter.variables) {
      TG_TRY(const auto verdict, evaluator.if_clause(expression, scope));
      key = {verdict.holds, "variables: " + verdict.why};
      if (key.holds) break;
    }
    keys.push_back(std::move(key));
  }
  if (!filter.changes.empty()) {
    TG_TRY(const auto verdict, evaluator.changes(filter.changes));
    keys.push_back({verdict.holds, verdict.why});
  }
  if (filter.kubernetes) {
    const auto* active = scope.plain().find("CI_KUBERNETES_ACTIVE");
    const bool holds = active != nullptr && active->value == "true";
    keys.push_back({holds, fmt::format("kubernetes is {}active", holds ? "" : "not ")});
  }
  return keys;
}

}  // namespace

bool ref_matches(const std::string& pattern, const Context& context, const VariableIndex& variables) {
  std::string_view name = pattern;
  if (const std::size_t at = name.find('@'); at != std::string_view::npos) {
    const auto* path = variables.find("CI_PROJECT_PATH");
    if (path == nullptr || path->value != name.substr(at + 1)) return false;
    name = name.substr(0, at);
  }
  if (context.is_tag && name == "tags") return true;
  if (is_branch(context) && name == "branches") return true;
  std::string_view source = context.source;
  if (source.ends_with("_event")) source.remove_suffix(6);
  if (source == name || plural(source) == name) return true;
  if (!context.is_tag && !is_branch(context)) return false;  // names and patterns are not for merge requests
  if (const auto regex = Regex::from_slashes(name)) return regex->search(context.ref);
  return name == context.ref;
}

Result<Verdict> evaluate_only_except(const config::Job& job, bool default_only, Evaluator& evaluator,
                                     VariableScope& scope) {
  std::vector<std::string> why;
  if (job.only || default_only) {
    const config::RefFilter filter = job.only.value_or(config::RefFilter{});
    TG_TRY(const auto keys, evaluate_keys(filter, true, evaluator, scope));
    const std::string label =
        job.only ? "only: " : "only (branches and tags unless something else is said): ";
    for (const auto& key : keys) {
      if (!key.holds) return Verdict{.holds = false, .why = label + key.why};
    }
    if (job.only && !keys.empty()) why.push_back(label + keys.back().why);
  }
  if (job.except) {
    TG_TRY(const auto keys, evaluate_keys(*job.except, false, evaluator, scope));
    for (const auto& key : keys) {
      if (key.holds) return Verdict{.holds = false, .why = "except: " + key.why};
    }
    if (!keys.empty()) why.push_back("except: " + keys.front().why);
  }
  if (why.empty()) why.emplace_back("no rules");
  return Verdict{.holds = true, .why = join(why, "; ")};
}

}  // namespace tidegate::pipeline
