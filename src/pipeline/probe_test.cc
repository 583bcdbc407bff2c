// What may be run again for a diagnosis.
#include "pipeline/probe.h"

#include <fmt/core.h>

#include "pipeline/testing.h"

namespace tidegate::pipeline {
namespace {

constexpr const char* kFlow = R"(
stages: [build, test, deploy]
build_train: {stage: build, script: docker build -t x .}
build_graph: {stage: build, script: docker build -t y .}
lint: {stage: test, script: ruff check}
test_train: {stage: test, needs: [build_train], script: python -m pytest}
test_graph: {stage: test, script: tidegate load curriculum --check}
deploy_train: {stage: deploy, script: [docker push x, tidegate deploy training]}
after: {stage: deploy, needs: [deploy_train], script: echo done}
by_hand: {stage: test, when: manual, script: echo}
after_hand: {stage: deploy, needs: [by_hand], script: echo}
)";

std::string jobs_for(const std::string& failed, const char* flow = kFlow) {
  const auto found = probe_jobs(plan_of(flow), {failed});
  return found.refusal.empty() ? join(found.jobs, " ") : found.refusal;
}

TEST(Probe, TheFailedJobAndWhatItNeeds) {
  EXPECT_EQ(jobs_for("test_train"), "build_train test_train");
  EXPECT_EQ(jobs_for("test_graph"), "build_train build_graph test_graph");
  EXPECT_EQ(jobs_for("build_train"), "build_train");
}

TEST(Probe, NothingThatDeliversIsRunAgain) {
  EXPECT_EQ(jobs_for("deploy_train"), "job deploy_train delivers: it is not run again");
  EXPECT_EQ(jobs_for("after"), "job deploy_train delivers: it is not run again");
}

TEST(Probe, NothingThatWaitsForAPerson) {
  EXPECT_EQ(jobs_for("after_hand"), "job by_hand does not start by itself");
}

TEST(Probe, WhatIsNotThereTellsNothing) {
  EXPECT_EQ(jobs_for("gone"), "job gone is not in the pipeline that would be compared");
  EXPECT_EQ(probe_jobs(plan_of(kFlow), {}).refusal, "no job has failed");
}

TEST(Probe, OptionalNeedsThatAreNotThere) {
  EXPECT_EQ(jobs_for("test",
                     "build: {script: x, rules: [{if: $NO}]}\n"
                     "test: {script: x, needs: [{job: build, optional: true}]}\n"),
            "test");
}

TEST(Probe, KeepsOnlyThose) {
  Plan plan = plan_of(kFlow);
  keep_only(plan, {"build_train", "test_train"});
  EXPECT_EQ(created(plan), "build_train test_train");
}

bool script_delivers(const std::string& line) {
  return delivers(job(plan_of(fmt::format("a:\n  script:\n    - |\n      {}\n", line)), "a"));
}

TEST(Probe, ScriptsThatDeliver) {
  for (const char* line :
       {"tidegate deploy training", "timeout \"$(cat patience)\" tidegate deploy training",
        "tidegate load curriculum", "cd x && docker push -q \"$IMAGE\"", "docker buildx build --push .",
        "/usr/bin/ssh -i key host sh -s", "echo a | ssh host", "sshpass -p x ssh host",
        "rsync -a . host:/srv", "git push origin HEAD:main", "skopeo copy a b", "kubectl apply -f x"}) {
    EXPECT_TRUE(script_delivers(line)) << line;
  }
  for (const char* line :
       {"tidegate load curriculum --check", "docker build -t x .", "pytest tests/test_deploy.py",
        "apt-get install ssh", "mkdir -p ~/.ssh", "echo tidegate deploy", "git pull",
        "python train.py --push", "# tidegate deploy training"}) {
    EXPECT_FALSE(script_delivers(line)) << line;
  }
}

TEST(Probe, EnvironmentsReleasesAndTriggersDeliver) {
  EXPECT_TRUE(delivers(job(plan_of("a: {script: x, environment: production}"), "a")));
  EXPECT_TRUE(delivers(job(plan_of("a: {trigger: {include: b.yml}}"), "a")));
  EXPECT_TRUE(delivers(job(plan_of("a: {script: x, release: {tag_name: v1, description: x}}"), "a")));
}

}  // namespace
}  // namespace tidegate::pipeline
