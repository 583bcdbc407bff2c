#include "pipeline/lints/worlds.h"

#include <algorithm>
#include <array>
#include <bit>

#include "pipeline/expression.h"

namespace tidegate::pipeline::lints {
namespace {

enum class RefKind : std::uint8_t { kBranch, kTag, kMergeRequest };

struct World {
  std::string_view source;
  RefKind ref = RefKind::kBranch;
  bool open_merge_request = false;
  std::string_view name;
};

/// Sources: GitLab docs "CI_PIPELINE_SOURCE predefined variable". The first is the usual one, and so on.
constexpr auto kWorlds = std::to_array<World>({
    {"push", RefKind::kBranch, false, "a push to a branch"},
    {"push", RefKind::kTag, false, "the push of a tag"},
    {"merge_request_event", RefKind::kMergeRequest, true, "a merge request pipeline"},
    {"push", RefKind::kBranch, true, "a push to a branch with an open merge request"},
    {"schedule", RefKind::kBranch, false, "a scheduled pipeline"},
    {"trigger", RefKind::kBranch, false, "a pipeline that a trigger token made"},
    {"web", RefKind::kBranch, false, "a pipeline that was started by hand"},
    {"api", RefKind::kBranch, false, "a pipeline made over the API"},
    {"schedule", RefKind::kTag, false, "a scheduled pipeline of a tag"},
    {"trigger", RefKind::kTag, false, "a pipeline of a tag that a trigger token made"},
    {"web", RefKind::kTag, false, "a pipeline of a tag that was started by hand"},
    {"api", RefKind::kTag, false, "a pipeline of a tag made over the API"},
    {"pipeline", RefKind::kBranch, false, "a pipeline that another project started"},
    {"pipeline", RefKind::kTag, false, "a pipeline of a tag that another project started"},
    {"parent_pipeline", RefKind::kBranch, false, "a child pipeline"},
    {"parent_pipeline", RefKind::kTag, false, "a child pipeline of a tag"},
    {"parent_pipeline", RefKind::kMergeRequest, true, "a child pipeline of a merge request"},
    {"external", RefKind::kBranch, false, "an external pipeline"},
    {"external_pull_request_event", RefKind::kBranch, false, "a pipeline of an external pull request"},
    {"chat", RefKind::kBranch, false, "a pipeline from a chat"},
    {"webide", RefKind::kBranch, false, "a pipeline from the Web IDE"},
    {"ondemand_dast_scan", RefKind::kBranch, false, "an on-demand scan"},
    {"ondemand_dast_validation", RefKind::kBranch, false, "an on-demand validation"},
    {"security_orchestration_policy", RefKind::kBranch, false, "a pipeline of a security policy"},
    {"container_registry_push", RefKind::kBranch, false, "a pipeline of a registry push"},
});

KnownValue present_or_null(bool present) {
  return {.kind = present ? KnownValue::Kind::kPresent : KnownValue::Kind::kNull, .text = {}};
}

/// What a variable is in this kind of pipeline. Only what is certain; the rest may be anything.
KnownValue value_in(const World& world, std::string_view name) {
  if (name == "CI_PIPELINE_SOURCE") return {KnownValue::Kind::kText, std::string(world.source)};
  if (name == "CI_COMMIT_BRANCH") return present_or_null(world.ref == RefKind::kBranch);
  if (name == "CI_COMMIT_TAG") return present_or_null(world.ref == RefKind::kTag);
  if (name == "CI_OPEN_MERGE_REQUESTS" && world.open_merge_request) return {KnownValue::Kind::kPresent, {}};
  if (name == "CI_MERGE_REQUEST_IID" || name == "CI_MERGE_REQUEST_ID" ||
      name == "CI_MERGE_REQUEST_SOURCE_BRANCH_NAME" || name == "CI_MERGE_REQUEST_TARGET_BRANCH_NAME")
    return present_or_null(world.ref == RefKind::kMergeRequest);
  constexpr auto kAlways = std::to_array<std::string_view>(
      {"CI", "GITLAB_CI", "CI_COMMIT_SHA", "CI_COMMIT_SHORT_SHA", "CI_COMMIT_REF_NAME", "CI_COMMIT_REF_SLUG",
       "CI_DEFAULT_BRANCH", "CI_PROJECT_PATH", "CI_PROJECT_NAME", "CI_PROJECT_NAMESPACE", "CI_PROJECT_ID"});
  if (std::ranges::find(kAlways, name) != kAlways.end()) return {KnownValue::Kind::kPresent, {}};
  return {};
}

bool always_changed(const World& world) {
  return world.ref == RefKind::kTag || (world.source != "push" && world.ref != RefKind::kMergeRequest);
}

WorldSet worlds_where(bool (*holds)(const World&)) {
  WorldSet set = 0;
  for (std::size_t i = 0; i < kWorlds.size(); ++i)
    if (holds(kWorlds[i])) set |= WorldSet{1} << i;
  return set;
}

}  // namespace

WorldSet Worlds::all() {
  static_assert(kWorlds.size() < 32);
  return (WorldSet{1} << kWorlds.size()) - 1;
}

WorldSet Worlds::of_source(std::string_view source) {
  WorldSet set = 0;
  for (std::size_t i = 0; i < kWorlds.size(); ++i)
    if (kWorlds[i].source == source && kWorlds[i].ref != RefKind::kTag) set |= WorldSet{1} << i;
  return set;
}

WorldSet Worlds::push_with_merge_request() {
  return worlds_where([](const World& world) { return world.source == "push" && world.open_merge_request; });
}

std::string_view Worlds::describe(WorldSet set) {
  const auto first = static_cast<std::size_t>(std::countr_zero(set));
  return first < kWorlds.size() ? kWorlds[first].name : "no pipeline";
}

Worlds::Worlds(const config::Definition& definition) : definition_(definition), possible_(all()) {
  if (definition.workflow.rules)
    possible_ = of_rules(*definition.workflow.rules, all(), config::When::kAlways, Changes::kUnknown).may;
}

const Worlds::Holds& Worlds::holds(const std::string& text) {
  const auto found = known_.find(text);
  if (found != known_.end()) return found->second;
  Holds answer{.may = all(), .may_not = all()};
  if (const auto expression = Expression::parse(text)) {
    answer = {};
    for (std::size_t i = 0; i < kWorlds.size(); ++i) {
      const Truth truth =
          expression->truth([&](std::string_view name) { return value_in(kWorlds[i], name); });
      if (truth != Truth::kFalse) answer.may |= WorldSet{1} << i;
      if (truth != Truth::kTrue) answer.may_not |= WorldSet{1} << i;
    }
  }
  return known_.emplace(text, answer).first->second;
}

WorldSet Worlds::may_hold(const std::string& expression) {
  return holds(expression).may;
}

WorldSet Worlds::may_fail(const std::string& expression) {
  return holds(expression).may_not;
}

Reach Worlds::of_rules(const std::vector<config::Rule>& rules, WorldSet among, config::When otherwise,
                       Changes changes) {
  const WorldSet changed = changes == Changes::kTrue ? all() : worlds_where(always_changed);
  Reach reach;
  WorldSet left = among;  // where no rule is certain to have matched yet
  WorldSet absent = 0;    // where the job may be missing
  for (const config::Rule& rule : rules) {
    WorldSet may = left;
    WorldSet may_not = 0;
    if (rule.if_expression) {
      const Holds& answer = holds(*rule.if_expression);
      may &= answer.may;
      may_not |= answer.may_not;
    }
    if (rule.changes) may_not |= ~changed;
    if (rule.exists) may_not |= all();
    reach.rules.push_back(may);
    const bool never = rule.when.value_or(otherwise) == config::When::kNever;
    (never ? absent : reach.may) |= may;
    left &= ~may | may_not;
  }
  absent |= left;
  reach.must = reach.may & ~absent;
  return reach;
}

/// only, except: what is not certain from `refs: [branches, tags]` alone may be.
Reach Worlds::of_filters(const config::Job& job) const {
  const bool by_default = !job.only && !definition_.workflow.rules;
  Reach reach{.may = possible_, .must = 0, .rules = {}};
  if (by_default && !job.only)
    reach.may &= ~worlds_where([](const World& world) { return world.ref == RefKind::kMergeRequest; });
  if (!job.only && !job.except) reach.must = reach.may;
  return reach;
}

Reach Worlds::reach(const config::Job& job, Changes changes) {
  if (job.rules) return of_rules(*job.rules, possible_, job.when, changes);
  return of_filters(job);
}

}  // namespace tidegate::pipeline::lints
