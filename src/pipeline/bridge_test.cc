// Bridges: what a plan says of them, the variables that they hand on, and their life in the machine.
#include "pipeline/bridge.h"

#include <map>
#include <string>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/text.h"
#include "config/load.h"
#include "pipeline/machine.h"
#include "pipeline/plan.h"

namespace tidegate::pipeline {
namespace {

Plan bridges_of(const std::string& yaml, const Context& context = {}) {
  const config::Loaded loaded = config::load(yaml, ".gitlab-ci.yml", {});
  if (!loaded.definition) {
    ADD_FAILURE() << loaded.diagnostics.front().message;
    return {};
  }
  return compile(*loaded.definition, context);
}

const PlannedJob& planned_of(const Plan& plan, const std::string& name) {
  for (const PlannedJob& found : plan.jobs) {
    if (found.name == name) return found;
  }
  throw std::runtime_error("no job " + name);
}

std::string words_of(const JobVariables& variables) {
  std::string out;
  for (const auto& v : variables)
    out += fmt::format("{}{}={}{}", out.empty() ? "" : " ", v.key, v.value,
                       v.raw    ? " (raw)"
                       : v.file ? " (file)"
                                : "");
  return out;
}

TEST(PlanBridge, SaysWhatIsStartedAndHandsOnTheVariablesOfTheJob) {
  Context context;
  context.project = {{.key = "TEAM", .value = "red"}, {.key = "A", .value = "of the project"}};
  context.pipeline = {{.key = "MANUAL", .value = "m"}};
  const Plan plan = bridges_of(R"(
variables: {A: one, B: $TEAM-$LATER, C: {value: $TEAM, expand: false}}
other:
  trigger: {project: $TEAM/app, branch: $CI_COMMIT_REF_NAME, strategy: depend, inputs: {x: 1}}
  variables: {B: mine $TEAM}
child: {trigger: {include: c.yml, forward: {yaml_variables: false, pipeline_variables: true}}}
up: {needs: {pipeline: $TEAM/up}}
plain: {script: x}
)",
                               context);
  ASSERT_TRUE(plan.created) << plan.reason;
  const PlannedJob& other = planned_of(plan, "other");
  EXPECT_EQ(other.bridge->kind, BridgeKind::kProject);
  EXPECT_EQ(other.bridge->project, "red/app");
  EXPECT_EQ(other.bridge->branch, "main");
  EXPECT_EQ(other.bridge->strategy, config::TriggerStrategy::kDepend);
  EXPECT_EQ(words_of(other.bridge->variables), "A=one B=mine red C=$TEAM (raw)");
  EXPECT_TRUE(other.message.steps.empty());
  EXPECT_EQ(planned_of(plan, "child").bridge->kind, BridgeKind::kChild);
  EXPECT_TRUE(planned_of(plan, "child").bridge->variables.empty());
  EXPECT_TRUE(planned_of(plan, "child").bridge->forward_pipeline_variables);
  EXPECT_EQ(planned_of(plan, "up").bridge->kind, BridgeKind::kUpstream);
  EXPECT_EQ(planned_of(plan, "up").bridge->project, "red/up");
  EXPECT_FALSE(planned_of(plan, "plain").bridge);
}

TEST(PlanBridge, EachInstanceOfAMatrixIsABridge) {
  const Plan plan = bridges_of(R"(
ship: {parallel: {matrix: [{TO: [eu, us]}]}, trigger: {include: c.yml}}
)");
  ASSERT_TRUE(plan.created) << plan.reason;
  EXPECT_EQ(words_of(planned_of(plan, "ship: [eu]").bridge->variables), "TO=eu");
  EXPECT_EQ(words_of(planned_of(plan, "ship: [us]").bridge->variables), "TO=us");
}

Bridge handing_on(JobVariables variables, bool of_the_pipeline_too = false) {
  Bridge bridge;
  bridge.variables = std::move(variables);
  bridge.forward_pipeline_variables = of_the_pipeline_too;
  return bridge;
}

struct Forwarded {
  const char* name;
  Bridge bridge;
  JobVariables of_bridge;
  JobVariables reported;
  JobVariables of_pipeline;
  const char* expected;
};

const std::vector<Forwarded>& forwarded_cases() {
  static const std::vector<Forwarded> cases = {
      {"ids and reports are known now",
       handing_on({{.key = "PARENT", .value = "$CI_PIPELINE_ID"}, {.key = "V", .value = "v${VERSION}$NONE"}}),
       {{.key = "CI_PIPELINE_ID", .value = "7"}, {.key = "VERSION", .value = "1.2"}},
       {{.key = "VERSION", .value = "1.2"}},
       {},
       "PARENT=7 V=v1.2"},
      {"pipeline variables only when asked for",
       handing_on({{.key = "A", .value = "yaml"}}),
       {},
       {{.key = "R", .value = "r"}},
       {{.key = "M", .value = "m"}},
       "A=yaml"},
      {"later ones win, and each name is there once",
       handing_on({{.key = "A", .value = "yaml"}, {.key = "B", .value = "b"}}, true),
       {},
       {{.key = "A", .value = "reported"}, {.key = "R", .value = "r"}},
       {{.key = "A", .value = "asked"}, {.key = "R", .value = "asked too"}},
       "B=b A=asked R=asked too"},
      {"raw stays raw",
       handing_on({{.key = "A", .value = "$X $$", .raw = true}}),
       {{.key = "X", .value = "x"}},
       {},
       {},
       "A=$X $$ (raw)"},
      {"a file goes along with the value that names it",
       handing_on({{.key = "A", .value = "--config=$CFG --to=$X"}}),
       {{.key = "CFG", .value = "secret text", .file = true}, {.key = "X", .value = "x"}},
       {},
       {},
       "CFG=secret text (file) A=--config=$CFG --to=x"},
  };
  return cases;
}

TEST(Bridge, HandsOnVariables) {
  for (const Forwarded& one : forwarded_cases()) {
    const Downstream to = downstream_of(one.bridge, one.of_bridge, one.reported, one.of_pipeline);
    EXPECT_EQ(words_of(to.variables), one.expected) << one.name;
  }
}

TEST(Bridge, ExpandsWhereItGoes) {
  Bridge bridge;
  bridge.project = "g/$NAME";
  bridge.branch = "$NONE";
  const Downstream to = downstream_of(bridge, {{.key = "NAME", .value = "app"}}, {}, {});
  EXPECT_EQ(to.project + "|" + to.branch, "g/app|");
}

// --- scenarios: jobs, then one event a line with the statuses that it leads to

struct Scenario {
  const char* name;
  const char* jobs;  ///< "name kind strategy", one stage each
  const char* story;
};

constexpr Scenario kScenarios[] = {
    {"without a strategy it is done at once", "b child none, after none none", R"(
start: b=pending after=created [pending]
linked b: b=success after=pending [running]
moved b failed: b=success after=pending [running]
)"},
    {"depend waits for the end", "b child depend, after none none", R"(
start: b=pending after=created [pending]
linked b: b=running after=created [running]
moved b pending: b=running after=created [running]
moved b manual: b=running after=created [running]
moved b success: b=success after=pending [running]
)"},
    {"depend takes skipped for failed", "b child depend, after none none", R"(
start: b=pending after=created [pending]
linked b: b=running after=created [running]
moved b skipped: b=failed after=skipped [failed]
)"},
    {"mirror shows manual and skipped", "b child mirror, after none none", R"(
start: b=pending after=created [pending]
linked b: b=running after=created [running]
moved b manual: b=manual after=created [manual]
play b: b=manual after=created [manual]
moved b running: b=running after=created [running]
moved b skipped: b=skipped after=pending [pending]
)"},
    {"a refused child", "b child depend, after none none", R"(
start: b=pending after=created [pending]
fail b: b=failed after=skipped [failed]
linked b: b=failed after=skipped [failed]
)"},
    {"a runner has no say", "b child depend", R"(
start: b=pending [pending]
pick b: b=pending [pending]
succeed b: b=pending [pending]
linked b: b=running [running]
requeue b: b=running [running]
succeed b: b=running [running]
moved b success: b=success [success]
)"},
    {"what failed and is tried again within the child", "b child depend, after none none", R"(
start: b=pending after=created [pending]
linked b: b=running after=created [running]
moved b failed: b=failed after=skipped [failed]
moved b running: b=failed after=skipped [failed]
revived b running: b=running after=created [running]
revived b running: b=running after=created [running]
moved b success: b=success after=pending [running]
)"},
    {"cancel waits for the child", "b child depend, after none none", R"(
start: b=pending after=created [pending]
linked b: b=running after=created [running]
cancel: b=canceling after=canceled [canceling]
moved b running: b=canceling after=canceled [canceling]
moved b success: b=canceled after=canceled [canceled]
)"},
    {"cancel leaves another project's pipeline alone", "b project depend", R"(
start: b=pending [pending]
linked b: b=running [running]
cancel: b=canceled [canceled]
moved b running: b=canceled [canceled]
moved b success: b=canceled [canceled]
)"},
    {"cancel before it is linked", "b child depend", R"(
start: b=pending [pending]
cancel: b=canceled [canceled]
linked b: b=canceled [canceled]
)"},
    {"again makes a new pipeline", "b child depend", R"(
start: b=pending [pending]
linked b: b=running [running]
moved b failed: b=failed [failed]
retry b: b=pending [pending]
moved b success: b=pending [pending]
linked b: b=running [running]
moved b success: b=success [success]
)"},
    {"it follows what it does not start", "b upstream mirror", R"(
start: b=pending [pending]
linked b: b=running [running]
moved b canceled: b=canceled [canceled]
)"},
};

class Stage {
 public:
  explicit Stage(const std::string& jobs) {
    for (const auto& line : split(jobs, ',')) {
      const auto words = split(std::string(trim(line)), ' ');
      JobState job;
      job.id = JobId(++last_);
      job.name = words.at(0);
      job.stage = static_cast<std::uint32_t>(state_.jobs.size());
      const std::map<std::string, BridgeKind> kinds = {{"none", BridgeKind::kNone},
                                                       {"child", BridgeKind::kChild},
                                                       {"project", BridgeKind::kProject},
                                                       {"upstream", BridgeKind::kUpstream}};
      job.bridge = kinds.at(words.at(1));
      job.strategy = words.at(2) == "depend"   ? config::TriggerStrategy::kDepend
                     : words.at(2) == "mirror" ? config::TriggerStrategy::kMirror
                                               : config::TriggerStrategy::kNone;
      state_.jobs.push_back(job);
    }
  }

  std::string operator()(const std::string& event) {
    const auto words = split(event, ' ');
    pipeline::apply(state_, event_of(words));
    std::string out;
    for (const auto& job : state_.jobs) {
      if (!job.retried) out += fmt::format("{}={} ", job.name, to_string(job.status));
    }
    return out + fmt::format("[{}]", to_string(state_.status));
  }

 private:
  Event event_of(const std::vector<std::string>& words) {
    const std::string& word = words.at(0);
    if (word == "start") return Started{};
    if (word == "cancel") return PipelineCanceled{};
    const JobId id = id_of(words.at(1));
    if (word == "linked") return BridgeLinked{id};
    if (word == "fail") return JobFailed{id, "downstream_pipeline_creation_failed", {}};
    if (word == "pick") return JobPicked{id};
    if (word == "succeed") return JobSucceeded{id};
    if (word == "requeue") return JobRequeued{id};
    if (word == "play") return JobPlayed{id};
    if (word == "retry") return JobRetried{id, JobId(++last_)};
    return BridgeMoved{id, parse_job_status(words.at(2)).value(), word == "revived"};
  }
  JobId id_of(const std::string& name) const {
    for (const auto& job : state_.jobs) {
      if (job.name == name && !job.retried) return job.id;
    }
    return {};
  }

  State state_;
  std::int64_t last_ = 0;
};

TEST(Bridge, LivesAsTheScenariosSay) {
  for (const Scenario& scenario : kScenarios) {
    SCOPED_TRACE(scenario.name);
    Stage stage(scenario.jobs);
    for (const auto& line : split(scenario.story, '\n')) {
      if (line.empty()) continue;
      const std::size_t colon = line.find(": ");
      EXPECT_EQ(stage(line.substr(0, colon)), line.substr(colon + 2)) << line;
    }
  }
}

TEST(Bridge, EffectsAreAskedForAgainAfterARestart) {
  State state;
  JobState bridge;
  bridge.id = JobId(1);
  bridge.name = "b";
  bridge.bridge = BridgeKind::kChild;
  bridge.strategy = config::TriggerStrategy::kDepend;
  state.jobs = {bridge};
  const auto effects = apply(state, Started{});
  ASSERT_EQ(effects.size(), 2U);
  EXPECT_TRUE(std::holds_alternative<StartBridge>(effects[1]));
  EXPECT_TRUE(std::holds_alternative<StartBridge>(pending_effects(state).at(0)));
  apply(state, BridgeLinked{JobId(1)});
  EXPECT_TRUE(pending_effects(state).empty());
  apply(state, PipelineCanceled{});
  EXPECT_TRUE(std::holds_alternative<SignalCancel>(pending_effects(state).at(0)));
}

}  // namespace
}  // namespace tidegate::pipeline
