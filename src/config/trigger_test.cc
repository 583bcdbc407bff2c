// Bridges: which keywords they may have, and what `trigger` and `needs:pipeline` say.
#include <gtest/gtest.h>

#include "config/load.h"
#include "config/testing.h"
#include "config/yaml.h"

namespace tidegate::config {
namespace {

using testing::job;
using testing::load_text;
using testing::text_of;

TEST(Trigger, ReadsAnotherProject) {
  const Loaded loaded = load_text(R"(
a: {trigger: group/name}
b:
  trigger:
    project: group/$NAME
    branch: $BRANCH
    strategy: mirror
    forward: {yaml_variables: false, pipeline_variables: true}
    inputs: {version: 1, names: [a, b]}
)");
  ASSERT_TRUE(loaded.definition) << text_of(loaded.diagnostics);
  const Job& a = *job(loaded, "a");
  EXPECT_TRUE(a.is_bridge());
  EXPECT_EQ(a.trigger->project, "group/name");
  EXPECT_EQ(a.trigger->strategy, TriggerStrategy::kNone);
  EXPECT_TRUE(a.trigger->forward_yaml_variables);
  EXPECT_FALSE(a.trigger->forward_pipeline_variables);
  const Trigger& b = *job(loaded, "b")->trigger;
  EXPECT_EQ(b.project + b.branch, "group/$NAME$BRANCH");
  EXPECT_EQ(b.strategy, TriggerStrategy::kMirror);
  EXPECT_FALSE(b.forward_yaml_variables);
  EXPECT_TRUE(b.forward_pipeline_variables);
  EXPECT_EQ(b.place.line, 5U);
  const auto inputs = yaml::parse(b.inputs, "inputs");
  EXPECT_EQ(inputs.documents.at(0)->find("names")->items.size(), 2U);
}

TEST(Trigger, KeepsTheIncludesOfAChildAsText) {
  const Loaded loaded = load_text(R"(
.base: {trigger: {strategy: depend}}
gen: {script: x, artifacts: {paths: [c.yml]}}
one: {trigger: {include: ci/child.yml}}
two:
  extends: .base
  trigger:
    include:
      - local: a.yml
        inputs: {level: 3}
      - {artifact: c.yml, job: gen}
      - {project: g/p, ref: main, file: [x.yml, y.yml]}
)");
  ASSERT_TRUE(loaded.definition) << text_of(loaded.diagnostics);
  const auto one = yaml::parse(job(loaded, "one")->trigger->include, "one");
  EXPECT_EQ(one.documents.at(0)->find("include")->text, "ci/child.yml");
  const Trigger& two = *job(loaded, "two")->trigger;
  EXPECT_EQ(two.strategy, TriggerStrategy::kDepend);
  const auto parsed = yaml::parse(two.include, "two");
  const auto& items = parsed.documents.at(0)->find("include")->items;
  ASSERT_EQ(items.size(), 3U);
  EXPECT_EQ(items[0]->find("inputs")->find("level")->kind, yaml::Kind::kInt);
  EXPECT_EQ(items[1]->find("job")->text, "gen");
  EXPECT_EQ(items[2]->find("file")->items.size(), 2U);
}

TEST(Trigger, ABridgeTakesOnlyWhatItMayHaveOfDefaults) {
  const Loaded loaded = load_text(R"(
default: {image: i, tags: [t], before_script: [b], interruptible: true, retry: 2}
variables: {A: 1}
j: {trigger: {include: c.yml}, variables: {B: 2}, allow_failure: true, when: manual, environment: prod}
)");
  ASSERT_TRUE(loaded.definition) << text_of(loaded.diagnostics);
  const Job& j = *job(loaded, "j");
  EXPECT_FALSE(j.image || j.retry);
  EXPECT_TRUE(j.before_script.empty() && j.tags.empty());
  EXPECT_TRUE(*j.interruptible);
  EXPECT_EQ(j.when, When::kManual);
  EXPECT_EQ(j.environment->name, "prod");
}

TEST(Trigger, ReadsNeedsOfOtherPipelines) {
  const Loaded loaded = load_text(R"(
mirror: {needs: {pipeline: other/project}}
mirror too: {needs: [{pipeline: $UPSTREAM}]}
child:
  script: x
  needs:
    - {pipeline: $PARENT_PIPELINE_ID, job: build}
    - {pipeline: $PARENT_PIPELINE_ID, job: lint, artifacts: false}
)");
  ASSERT_TRUE(loaded.definition) << text_of(loaded.diagnostics);
  EXPECT_EQ(job(loaded, "mirror")->upstream, "other/project");
  EXPECT_EQ(job(loaded, "mirror too")->upstream, "$UPSTREAM");
  EXPECT_TRUE(job(loaded, "mirror")->is_bridge());
  EXPECT_FALSE(job(loaded, "mirror")->needs);
  const Job& child = *job(loaded, "child");
  EXPECT_FALSE(child.is_bridge());
  ASSERT_TRUE(child.needs) << "it starts at once";
  ASSERT_EQ(child.needs->size(), 2U);
  EXPECT_EQ(child.needs->at(0).job, "build");
  EXPECT_TRUE(child.needs->at(0).elsewhere());
  EXPECT_FALSE(child.needs->at(1).artifacts);
}

struct Bad {
  const char* text;
  const char* code;
};

constexpr Bad kRefused[] = {
    {"j: {trigger: a/b, script: x}", "keyword-conflict"},
    {"j: {trigger: a/b, image: i}", "keyword-conflict"},
    {"j: {trigger: a/b, tags: [t]}", "keyword-conflict"},
    {"j: {trigger: a/b, start_in: 1 day}", "keyword-conflict"},
    {"j: {trigger: a/b, artefacts: x}", "unknown-keyword"},
    {"j: {trigger: a/b, allow_failure: {exit_codes: 1}}", "invalid-type"},
    {"j: {trigger: a/b, when: delayed}", "invalid-value"},
    {"j: {trigger: a/b, parallel: 3}", "invalid-type"},
    {"j: {trigger: ''}", "invalid-value"},
    {"j: {trigger: slug}", "invalid-value"},
    {"j: {trigger: a/b/}", "invalid-value"},
    {"j: {trigger: /a/b}", "invalid-value"},
    {"j: {trigger: 'a/b#c'}", "invalid-value"},
    {"j: {trigger: [a/b]}", "invalid-type"},
    {"j: {trigger: 5}", "invalid-type"},
    {"j: {trigger: {}}", "missing-keyword"},
    {"j: {trigger: {branch: main}}", "missing-keyword"},
    {"j: {trigger: {project: a/b, include: c.yml}}", "keyword-conflict"},
    {"j: {trigger: {branch: main, include: c.yml}}", "keyword-conflict"},
    {"j: {trigger: {project: a/b, strategy: wait}}", "invalid-value"},
    {"j: {trigger: {project: a/b, forward: {job_variables: true}}}", "unknown-keyword"},
    {"j: {trigger: {project: a/b, forward: {yaml_variables: 1}}}", "invalid-type"},
    {"j: {trigger: {project: a/b, inputs: [a]}}", "invalid-type"},
    {"j: {trigger: {project: a/b, inputs: {a: {b: c}}}}", "invalid-type"},
    {"j: {trigger: {include: []}}", "invalid-value"},
    {"j: {trigger: {include: ''}}", "invalid-type"},
    {"j: {trigger: {include: [a.yml, b.yml, c.yml, d.yml]}}", "invalid-value"},
    {"j: {trigger: {include: [{file: c.yml}]}}", "invalid-include"},
    {"j: {trigger: {include: [{project: a/b}]}}", "invalid-include"},
    {"j: {trigger: {include: [{project: '', file: c.yml}]}}", "invalid-include"},
    {"j: {trigger: {include: [{project: slug, file: c.yml}]}}", "invalid-value"},
    {"j: {trigger: {include: [{artifact: c.yml}]}}", "invalid-include"},
    {"j: {trigger: {include: [{local: a.yml, remote: b}]}}", "invalid-include"},
    {"j: {trigger: {include: [{locale: a.yml}]}}", "unknown-keyword"},
    {"j: {trigger: }", "missing-keyword"},
    {"j: {needs: [k]}\nk: {script: x}", "missing-keyword"},
    {"j: {needs: [{pipeline: a/b}, {pipeline: c/d}]}", "invalid-value"},
    {"j: {script: x, needs: [{pipeline: a/b}]}", "invalid-value"},
    {"j: {trigger: a/b, needs: [{pipeline: $P, job: k}]}", "invalid-value"},
    {"j: {script: x, needs: [{pipeline: $P, job: k, optional: true}]}", "keyword-conflict"},
    {"j: {script: x, needs: [{pipeline: '', job: k}]}", "invalid-value"},
    {"j: {script: x, rules: [{needs: [{pipeline: $P, job: k}]}]}", "invalid-value"},
    {"j: {script: x, rules: [{needs: [{pipeline: a/b}]}]}", "invalid-value"},
};

TEST(Trigger, RefusesWhatGitLabRefuses) {
  for (const Bad& bad : kRefused) {
    const Loaded loaded = load_text(bad.text);
    EXPECT_FALSE(loaded.definition) << bad.text;
    EXPECT_TRUE(testing::find(loaded.diagnostics, bad.code)) << bad.text << "\n"
                                                             << text_of(loaded.diagnostics);
  }
}

TEST(Trigger, SixNeedsOfOtherPipelinesAreTooMany) {
  std::string text = "j: {script: x, needs: [";
  for (int i = 0; i < 6; ++i) text += "{pipeline: $P, job: j" + std::to_string(i) + "},";
  const Loaded loaded = load_text(text + "]}");
  EXPECT_TRUE(testing::find(loaded.diagnostics, "too-many-needs")) << text_of(loaded.diagnostics);
}

}  // namespace
}  // namespace tidegate::config
