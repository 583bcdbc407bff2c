// parallel and parallel:matrix, seen through compile(): names, variables, needs into cells, artifacts.
#include <algorithm>
#include <random>
#include <set>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/text.h"
#include "config/testing.h"
#include "pipeline/testing.h"
#include "pipeline/variables.h"

namespace tidegate::pipeline {
namespace {

using Strings = std::vector<std::string>;

std::string codes_of(std::string_view yaml) {
  const auto loaded = config::testing::load_text(yaml);
  Strings codes = config::testing::codes(loaded.diagnostics);
  if (loaded.definition) {
    for (auto& code : config::testing::codes(compile(*loaded.definition, {}).diagnostics))
      codes.push_back(code);
  }
  return join(codes, " ");
}

std::string needs(const PlannedJob& job) {
  if (!job.needs) return "(by stage)";
  Strings out;
  for (const auto& need : *job.needs) out.push_back(need.job);
  return join(out, " | ");
}

std::string receives(const PlannedJob& job) {
  Strings out;
  for (const auto& dependency : job.message.dependencies) out.push_back(dependency.name);
  return join(out, " | ");
}

std::string value_of(const PlannedJob& job, std::string_view key) {
  const auto* found = VariableIndex(job.message.variables).find(key);
  return found == nullptr ? "(absent)" : found->value;
}

constexpr std::string_view kMatrix = R"(
variables: {WHO: everybody, LANG: c}
build:
  stage: build
  variables: {LANG: job, KEPT: job}
  parallel:
    matrix:
      - LANG: [cc, rust]
        ARCH: [x86, arm]
      - LANG: go
  image: $LANG:$ARCH
  tags: [runner-$ARCH]
  environment: $LANG/$ARCH
  resource_group: $LANG
  script: echo
  artifacts: {paths: [out-$LANG]}
  rules:
    - if: $ARCH == "arm"
      variables: {ARCH: armv8}
    - when: on_success
)";

TEST(Parallel, ValuesOfACellAreVariablesOfTheJobAndBelowThoseOfItsRule) {
  const auto plan = plan_of(kMatrix);
  EXPECT_EQ(created(plan, " | "),
            "build: [cc, x86] | build: [cc, arm] | build: [rust, x86] | build: [rust, arm] | build: [go]");
  const auto& first = job(plan, "build: [cc, x86]");
  EXPECT_EQ(first.written, "build");
  EXPECT_EQ(value_of(first, "LANG"), "cc");
  EXPECT_EQ(value_of(first, "KEPT"), "job");
  EXPECT_EQ(value_of(first, "WHO"), "everybody");
  EXPECT_EQ(first.message.image->name, "cc:x86");
  EXPECT_EQ(first.tags, Strings{"runner-x86"});
  EXPECT_EQ(first.environment->name, "cc/x86");
  EXPECT_EQ(first.resource_group, "cc");
  EXPECT_EQ(first.message.artifacts.at(0).paths, Strings{"out-cc"});
  const auto& arm = job(plan, "build: [rust, arm]");
  EXPECT_EQ(value_of(arm, "ARCH"), "armv8");
  EXPECT_EQ(arm.environment->name, "rust/armv8");
}

TEST(Parallel, InstancesKnowTheirPlace) {
  const auto plan = plan_of(kMatrix);
  const auto& last = job(plan, "build: [go]");
  EXPECT_EQ(value_of(last, "CI_NODE_INDEX"), "5");
  EXPECT_EQ(value_of(last, "CI_NODE_TOTAL"), "5");
  EXPECT_EQ(value_of(last, "CI_JOB_NAME"), "build: [go]");
  EXPECT_EQ(value_of(last, "CI_JOB_GROUP_NAME"), "build");
  EXPECT_EQ(value_of(last, "CI_JOB_NAME_SLUG"), "build---go");
  const auto plain = plan_of("a: {script: x}\n");
  EXPECT_EQ(value_of(job(plain, "a"), "CI_NODE_INDEX"), "(absent)");
  EXPECT_EQ(value_of(job(plain, "a"), "CI_NODE_TOTAL"), "1");
}

TEST(Parallel, ProjectAndPipelineVariablesAreStronger) {
  Context context;
  context.project = {{.key = "LANG", .value = "project"}};
  context.pipeline = {{.key = "ARCH", .value = "asked"}};
  const auto plan = plan_of(kMatrix, context);
  const auto& first = job(plan, "build: [cc, x86]");
  EXPECT_EQ(value_of(first, "LANG"), "project");
  EXPECT_EQ(value_of(first, "ARCH"), "asked");
}

TEST(Parallel, RulesDecideEachInstanceByItself) {
  const auto plan = plan_of(R"(
a:
  script: x
  parallel: {matrix: [{N: [1, 2, 3]}]}
  rules: [{if: $N == "2"}, {if: $CI_NODE_INDEX == "3", when: manual}]
)");
  EXPECT_EQ(created(plan, " | "), "a: [2] | a: [3]");
  EXPECT_EQ(job(plan, "a: [3]").when, config::When::kManual);
  EXPECT_FALSE(job(plan, "a: [1]").created);
  EXPECT_NE(job(plan, "a: [1]").reason.find("N=\"1\""), std::string::npos);
}

constexpr std::string_view kBuilds = R"(
stages: [build, test]
build:
  stage: build
  script: x
  artifacts: {paths: [o]}
  parallel: {matrix: [{OS: [linux, mac], CPU: [x, a]}]}
many: {stage: build, script: x, parallel: 2, artifacts: {paths: [o]}}
)";

struct NeedsCase {
  std::string job;   ///< keywords of `t`
  std::string name;  ///< the instance that is looked at
  std::string needs;
  std::string gets;
};

const std::vector<NeedsCase> kNeedsCases = {
    {"needs: [many]", "t", "many 1/2 | many 2/2", "many 1/2 | many 2/2"},
    {"needs: ['many 2/2']", "t", "many 2/2", "many 2/2"},
    {"needs: [{job: many, artifacts: false}]", "t", "many 1/2 | many 2/2", ""},
    {"needs: [{job: build, parallel: {matrix: [{OS: mac, CPU: a}]}}]", "t", "build: [mac, a]",
     "build: [mac, a]"},
    {"needs: [{job: build, parallel: {matrix: [{OS: mac, CPU: [x, a]}, {OS: linux, CPU: a}]}}]", "t",
     "build: [mac, x] | build: [mac, a] | build: [linux, a]",
     "build: [linux, a] | build: [mac, x] | build: [mac, a]"},
    {"needs: [{job: build, optional: true, parallel: {matrix: [{OS: bsd, CPU: a}]}}]", "t", "", ""},
    {"dependencies: [many]", "t", "(by stage)", "many 1/2 | many 2/2"},
    {"dependencies: ['many 1/2']", "t", "(by stage)", "many 1/2"},
    {"dependencies: []", "t", "(by stage)", ""},
    {"{needs: [many, 'build: [mac, x]'], dependencies: [many]}", "t", "many 1/2 | many 2/2 | build: [mac, x]",
     "many 1/2 | many 2/2"},
    {"rules: [{needs: ['many 2/2']}]", "t", "many 2/2", "many 2/2"},
    {"{parallel: {matrix: [{OS: [linux, mac], CPU: [x, a]}]}, needs: [{job: build, parallel: {matrix: [{OS: "
     "'$[[ matrix.OS ]]', CPU: ['$[[ matrix.CPU ]]']}]}}]}",
     "t: [mac, x]", "build: [mac, x]", "build: [mac, x]"},
    {"{parallel: {matrix: [{OS: [linux, mac]}]}, needs: [{job: build, parallel: {matrix: [{OS: '$[[ "
     "matrix.OS "
     "]]', CPU: [x, a]}]}}]}",
     "t: [linux]", "build: [linux, x] | build: [linux, a]", "build: [linux, x] | build: [linux, a]"},
};

std::string with_job(const std::string& keywords) {
  if (!keywords.starts_with('{')) return std::string(kBuilds) + "t:\n  script: x\n  " + keywords + "\n";
  return std::string(kBuilds) + ".k: &k " + keywords + "\nt:\n  <<: *k\n  script: x\n";
}

TEST(Parallel, NeedsAndDependenciesMeanInstances) {
  for (const auto& row : kNeedsCases) {
    SCOPED_TRACE(row.job);
    const auto plan = plan_of(with_job(row.job));
    ASSERT_TRUE(plan.created) << config::testing::text_of(plan.diagnostics);
    EXPECT_EQ(needs(job(plan, row.name)), row.needs);
    EXPECT_EQ(receives(job(plan, row.name)), row.gets);
  }
}

const std::vector<std::pair<std::string, std::string>> kRefused = {
    // A cell is named by all keys, in their order.
    {"needs: [{job: build, parallel: {matrix: [{OS: mac}]}}]", "unknown-need"},
    {"needs: [{job: build, parallel: {matrix: [{CPU: a, OS: mac}]}}]", "unknown-need"},
    {"needs: ['many 3/3']", "unknown-need"},
    {"needs: [many, 'many 1/2']", "duplicate-need"},
    {"rules: [{needs: [many]}]", "unknown-need"},
    {"dependencies: ['many 3/3']", "unknown-dependency"},
    {"{needs: [many], dependencies: ['many 1/2']}", "dependency-not-needed"},
    {"needs: [{job: build, parallel: {matrix: [{OS: '$[[ matrix.OS ]]', CPU: x}]}}]", "unknown-matrix-key"},
    {"{parallel: {matrix: [{OS: mac}]}, needs: [{job: build, parallel: {matrix: [{OS: mac, CPU: '$[[ "
     "matrix.CPU "
     "]]'}]}}]}",
     "unknown-matrix-key"},
};

TEST(Parallel, RefusesNeedsThatNameNoInstance) {
  for (const auto& [keywords, code] : kRefused) {
    EXPECT_EQ(codes_of(with_job(keywords)), code) << keywords;
  }
}

TEST(Parallel, InstancesMayNeedEachOtherButNotInACircle) {
  constexpr std::string_view kRow = "  script: x\n  parallel: {matrix: [{N: [1, 2]}]}\n";
  const auto yaml = [&](std::string_view a, std::string_view b) {
    return "a:\n" + std::string(kRow) + "  needs: ['" + std::string(a) + "']\nb:\n" + std::string(kRow) +
           "  needs: ['" + std::string(b) + "']\nz: {script: x}\n";
  };
  EXPECT_EQ(codes_of(yaml("z", "a: [1]")), "");
  EXPECT_EQ(codes_of(yaml("b: [1]", "a: [2]")), "needs-cycle");
  EXPECT_EQ(codes_of(yaml("a: [1]", "z")), "needs-cycle");
}

TEST(Parallel, NeedsAreCountedAsInstances) {
  const std::string many = "m: {stage: build, script: x, parallel: 51}\n";
  EXPECT_EQ(codes_of(many + "t: {script: x, needs: [m]}\n"), "too-many-needs");
  EXPECT_EQ(codes_of("m: {stage: build, script: x, parallel: 50}\nt: {script: x, needs: [m]}\n"), "");
}

TEST(Parallel, ANeedOnAnInstanceThatRulesLeaveOutRefusesThePipeline) {
  constexpr std::string_view kYaml = R"(
b: {stage: build, script: x, parallel: {matrix: [{N: [1, 2]}]}, rules: [{if: $N == "1"}]}
t: {script: x, needs: [b]}
)";
  EXPECT_EQ(codes_of(kYaml), "need-missing");
  const auto plan =
      plan_of(replace_all(std::string(kYaml), "needs: [b]", "needs: [{job: b, optional: true}]"));
  EXPECT_TRUE(plan.created);
  EXPECT_EQ(needs(job(plan, "t")), "b: [1]");
}

/// `name` with up to 3 keys, in YAML, and how many cells that makes.
std::pair<std::string, std::size_t> random_matrix(std::mt19937& random) {
  std::string yaml = "[{";
  std::size_t cells = 1;
  const std::size_t keys = 1 + random() % 3;
  for (std::size_t key = 0; key < keys; ++key) {
    const std::size_t values = 1 + random() % 4;
    cells *= values;
    yaml += (key > 0 ? ", K" : "K") + std::to_string(key) + ": [";
    for (std::size_t value = 0; value < values; ++value) {
      yaml += (value > 0 ? ", v" : "v") + std::to_string(key) + std::to_string(value);
    }
    yaml += "]";
  }
  return {yaml + "}]", cells};
}

TEST(Parallel, EachCellNeedsItsOwnCellWhateverTheMatrix) {
  std::mt19937 random(7);
  for (int round = 0; round < 200; ++round) {
    const auto [matrix, cells] = random_matrix(random);
    SCOPED_TRACE(matrix);
    std::string selector = "[{";
    for (int key = 0; matrix.contains("K" + std::to_string(key)); ++key) {
      selector += fmt::format("{0}K{1}: ['$[[ matrix.K{1} ]]']", key > 0 ? ", " : "", key);
    }
    const auto plan = plan_of(fmt::format(
        "b: {{stage: build, script: x, artifacts: {{paths: [o]}}, parallel: {{matrix: {0}}}}}\n"
        "t: {{script: x, parallel: {{matrix: {0}}}, needs: [{{job: b, parallel: {{matrix: {1}}}}}]}}\n"
        "all: {{stage: deploy, script: x}}\n",
        matrix, selector + "}]"));
    ASSERT_TRUE(plan.created) << config::testing::text_of(plan.diagnostics);
    ASSERT_EQ(plan.jobs.size(), 2 * cells + 1);
    std::set<std::string> names;
    for (const auto& planned : plan.jobs) {
      EXPECT_TRUE(names.insert(planned.name).second) << planned.name;
      if (planned.written != "t") continue;
      const std::string other = "b" + planned.name.substr(1);
      EXPECT_EQ(needs(planned), other);
      EXPECT_EQ(receives(planned), other);
    }
    EXPECT_EQ(job(plan, "all").message.dependencies.size(), cells);
  }
}

TEST(Parallel, AHugeMatrixInASmallTextIsRefused) {
  const std::string row = "[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]";
  EXPECT_EQ(
      codes_of("a: {script: x, parallel: {matrix: [{A: " + row + ", B: " + row + ", C: [1, 2, 3]}]}}\n"),
      "invalid-value");
  std::string wide = "a:\n  script: x\n  parallel:\n    matrix:\n      - K0: " + row + "\n";
  for (int i = 1; i < 40; ++i) wide += "        K" + std::to_string(i) + ": " + row + "\n";
  EXPECT_EQ(codes_of(wide), "invalid-value");  // 10^40 cells, more than any counter holds
  std::string jobs;
  for (int i = 0; i < 101; ++i) jobs += "j" + std::to_string(i) + ": {script: x, parallel: 200}\n";
  EXPECT_EQ(codes_of(jobs), "too-many-jobs");
}

TEST(Needs, JobsElsewhereGiveArtifactsAndNoOrder) {
  Context context;
  context.pipeline = {{.key = "UPSTREAM", .value = "42"}, {.key = "BRANCH", .value = "main"}};
  const auto plan = plan_of(R"(
b: {stage: build, script: x}
t:
  script: x
  needs:
    - {pipeline: $UPSTREAM, job: make}
    - {project: group/lib, ref: $BRANCH, job: pack}
    - {project: group/other, ref: main, job: quiet, artifacts: false}
)",
                            context);
  ASSERT_TRUE(plan.created) << config::testing::text_of(plan.diagnostics);
  const auto& t = job(plan, "t");
  EXPECT_EQ(needs(t), "");
  const std::vector<JobElsewhere> wanted = {
      {.job = "make", .pipeline = "42", .project = {}, .ref = {}},
      {.job = "pack", .pipeline = {}, .project = "group/lib", .ref = "main"}};
  EXPECT_EQ(t.message.elsewhere, wanted);
}

TEST(Needs, NestedListsAndASingleHash) {
  const auto plan = plan_of(R"(
.n: {needs: [a]}
a: {stage: build, script: x}
b: {stage: build, script: x}
t: {script: x, needs: [!reference [.n, needs], b]}
u: {script: x, needs: {job: b}}
)");
  EXPECT_EQ(needs(job(plan, "t")), "a | b");
  EXPECT_EQ(needs(job(plan, "u")), "b");
}

TEST(AutoCancel, ARuleOverridesTheWorkflow) {
  constexpr std::string_view kYaml = R"(
workflow:
  auto_cancel: {on_new_commit: interruptible, on_job_failure: all}
  rules:
    - if: $CI_COMMIT_BRANCH == "main"
      auto_cancel: {on_new_commit: none}
    - when: always
a: {script: x}
)";
  Context context;
  const auto main = plan_of(kYaml, context).auto_cancel;
  EXPECT_EQ(main.on_new_commit, config::OnNewCommit::kNone);
  EXPECT_EQ(main.on_job_failure, config::OnJobFailure::kAll);
  context.ref = "topic";
  EXPECT_EQ(plan_of(kYaml, context).auto_cancel.on_new_commit, config::OnNewCommit::kInterruptible);
  const auto plain = plan_of("a: {script: x}\n").auto_cancel;
  EXPECT_EQ(plain.on_new_commit, config::OnNewCommit::kConservative);
  EXPECT_EQ(plain.on_job_failure, config::OnJobFailure::kNone);
}

}  // namespace
}  // namespace tidegate::pipeline
