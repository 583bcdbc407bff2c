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

// Of a branch that no rule names. An unprotected one; and the default branch is another.
constexpr std::string_view kStrayBranch = "somebranch";

/// What is known besides of a stray push.
KnownValue value_in_stray(const World& world, std::string_view name) {
  if (world.ref == RefKind::kTag) return {};
  if (name == "CI_COMMIT_BRANCH" && world.ref == RefKind::kBranch)
    return {KnownValue::Kind::kText, std::string(kStrayBranch)};
  if (name == "CI_COMMIT_REF_NAME" || name == "CI_COMMIT_REF_SLUG" ||
      name == "CI_MERGE_REQUEST_SOURCE_BRANCH_NAME")
    return {KnownValue::Kind::kText, std::string(kStrayBranch)};
  if (name == "CI_DEFAULT_BRANCH") return {KnownValue::Kind::kText, "main"};
  if (name == "CI_COMMIT_REF_PROTECTED") return {KnownValue::Kind::kText, "false"};
  return {};
}

/// True when a filter may match the stray branch: a keyword ("branches", "schedules"), a pattern, or a ref of
/// one project. A plain name is another branch.
bool may_name_stray(const config::RefFilter& filter) {
  if (!filter.refs) return true;
  return std::ranges::any_of(*filter.refs, [](const std::string& ref) {
    constexpr auto kKeywords = std::to_array<std::string_view>(
        {"api", "branches", "chat", "external", "external_pull_requests", "merge_requests", "pipelines",
         "pushes", "schedules", "tags", "triggers", "web"});
    return ref.starts_with('/') || ref.contains('@') || ref.contains('$') ||
           std::ranges::find(kKeywords, ref) != kKeywords.end();
  });
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

WorldSet Worlds::branch_push() {
  return worlds_where([](const World& world) {
    return world.source == "push" && world.ref == RefKind::kBranch && !world.open_merge_request;
  });
}

WorldSet Worlds::with_diff() {
  return worlds_where([](const World& world) { return !always_changed(world); });
}

WorldSet Worlds::push_with_merge_request() {
  return worlds_where([](const World& world) { return world.source == "push" && world.open_merge_request; });
}

std::string_view Worlds::describe(WorldSet set) {
  const auto first = static_cast<std::size_t>(std::countr_zero(set));
  return first < kWorlds.size() ? kWorlds[first].name : "no pipeline";
}

Worlds::Worlds(const config::Definition& definition, Conditions& conditions, Push push)
    : definition_(definition), push_(push), conditions_(conditions), possible_(all()) {
  if (definition.workflow.rules)
    possible_ = of_rules(*definition.workflow.rules, all(), config::When::kAlways, Changes::kUnknown).may;
}

namespace {

Conditions::Holds holds_of(const Expression& expression, Push push) {
  Conditions::Holds answer;
  for (std::size_t i = 0; i < kWorlds.size(); ++i) {
    const Truth truth = expression.truth([&](std::string_view name) {
      KnownValue stray = push == Push::kStray ? value_in_stray(kWorlds[i], name) : KnownValue{};
      return stray.kind == KnownValue::Kind::kAny ? value_in(kWorlds[i], name) : stray;
    });
    if (truth != Truth::kFalse) answer.may |= WorldSet{1} << i;
    if (truth != Truth::kTrue) answer.may_not |= WorldSet{1} << i;
  }
  return answer;
}

}  // namespace

const Conditions::Verdict& Conditions::of(const std::string& text) {
  const auto found = known_.find(text);
  if (found != known_.end()) return found->second;
  const Holds unknown{.may = Worlds::all(), .may_not = Worlds::all()};
  Verdict verdict{.any = unknown, .stray = unknown};
  if (const auto expression = Expression::parse(text)) {
    verdict.any = holds_of(*expression, Push::kAny);
    verdict.stray = holds_of(*expression, Push::kStray);
    if (!expression->variables().empty())
      verdict.constant = expression->truth([](std::string_view) { return KnownValue{}; });
  }
  return known_.emplace(text, verdict).first->second;
}

WorldSet Worlds::may_hold(const std::string& expression) {
  const Conditions::Verdict& verdict = conditions_.of(expression);
  return push_ == Push::kStray ? verdict.stray.may : verdict.any.may;
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
      const Conditions::Verdict& verdict = conditions_.of(*rule.if_expression);
      const Conditions::Holds& answer = push_ == Push::kStray ? verdict.stray : verdict.any;
      may &= answer.may;
      may_not |= answer.may_not;
    }
    if (rule.changes) may_not |= ~changed;
    if (rule.changes && push_ == Push::kStray) may &= ~with_diff();
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
  if (push_ == Push::kStray && job.only && (!job.only->changes.empty() || !may_name_stray(*job.only)))
    reach.may &= ~with_diff();
  return reach;
}

Reach Worlds::reach(const config::Job& job, Changes changes) {
  if (job.rules) return of_rules(*job.rules, possible_, job.when, changes);
  return of_filters(job);
}

}  // namespace tidegate::pipeline::lints
