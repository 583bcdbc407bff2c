#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/text.h"
#include "config/testing.h"
#include "pipeline/plan.h"
#include "pipeline/predefined.h"
#include "pipeline/testing.h"
#include "pipeline/variables.h"

namespace tidegate::pipeline {
namespace {

using Strings = std::vector<std::string>;

std::string codes(const Plan& plan) {
  return join(config::testing::codes(plan.diagnostics), " ");
}

std::string value_of(const JobVariables& variables, std::string_view key) {
  const auto* found = VariableIndex(variables).find(key);
  return found == nullptr ? "(absent)" : found->value;
}

Context on_branch(std::string ref) {
  Context context;
  context.ref = std::move(ref);
  context.sha = "0123456789abcdef0123456789abcdef01234567";
  return context;
}

TEST(Compile, OrderIsByStageThenFile) {
  const auto plan = plan_of(R"(
stages: [build, test]
t2: {stage: test, script: x}
last: {stage: .post, script: x}
b: {stage: build, script: x}
t1: {stage: test, script: x}
first: {stage: .pre, script: x}
)");
  EXPECT_EQ(created(plan), "first b t2 t1 last");
  EXPECT_EQ(plan.stages, (Strings{".pre", "build", "test", ".post"}));
}

TEST(Compile, ReasonsNameTheRuleAndTheValues) {
  const std::string_view yaml = R"(
a:
  script: x
  rules:
    - if: $CI_COMMIT_TAG
    - if: $CI_COMMIT_BRANCH == "main"
b: {script: x}
)";
  EXPECT_EQ(
      job(plan_of(yaml, on_branch("dev")), "a").reason,
      "rules[0]: if $CI_COMMIT_TAG (CI_COMMIT_TAG undefined) is false; rules[1]: if $CI_COMMIT_BRANCH == "
      R"("main" (CI_COMMIT_BRANCH="dev") is false; no rule matched)");
  EXPECT_EQ(job(plan_of(yaml, on_branch("main")), "a").reason,
            R"(rules[1]: if $CI_COMMIT_BRANCH == "main" (CI_COMMIT_BRANCH="main") is true)");
  EXPECT_EQ(job(plan_of(yaml, on_branch("main")), "b").reason, "no rules");
}

TEST(Compile, ReasonsHideMaskedValues) {
  Context context = on_branch("main");
  context.project = {{.key = "SECRET", .value = "hunter2", .masked = true}};
  const auto plan = plan_of(
      "a: {script: x, rules: [{if: '$SECRET == \"hunter2\"', when: never}]}\nb: {script: x}", context);
  EXPECT_EQ(job(plan, "a").reason,
            R"(rules[0]: if $SECRET == "hunter2" (SECRET=[masked]) is true; when: never)");
}

TEST(Compile, ReasonsOfChangesAndExists) {
  Context context = on_branch("main");
  context.changed = Strings{"src/a.py", "doc.md"};
  context.tree = [] { return Strings{"Dockerfile", "src/a.py"}; };
  const auto plan = plan_of(R"(
a: {script: x, rules: [{changes: ["src/**/*"], exists: [Dockerfile]}]}
b: {script: x, rules: [{changes: ["lib/**/*"]}]}
c: {script: x, rules: [{exists: ["**/*.rs"]}]}
)",
                            context);
  EXPECT_EQ(job(plan, "a").reason,
            "rules[0]: changes [src/**/*] match src/a.py and exists [Dockerfile]: Dockerfile");
  EXPECT_EQ(job(plan, "b").reason,
            "rules[0]: changes [lib/**/*] match none of 2 changed paths (src/a.py, doc.md); no rule matched");
  EXPECT_EQ(job(plan, "c").reason, "rules[0]: exists [**/*.rs]: no such file; no rule matched");
}

TEST(Compile, ExistsInAnotherProject) {
  Context context = on_branch("main");
  context.project = {{.key = "LIB", .value = "g/lib"}};
  context.tree = [] { return Strings{"own.txt"}; };
  context.tree_of = [](const std::string& project, const std::string& ref) -> Result<Strings> {
    if (project != "g/lib") return fail(Errc::kNotFound, "Project `" + project + "` not found");
    return Strings{ref.empty() ? "head.txt" : ref + ".txt"};
  };
  const auto plan = plan_of(R"(
a: {script: x, rules: [{exists: {paths: [head.txt], project: $LIB}}]}
b: {script: x, rules: [{exists: {paths: ["*.txt"], project: g/lib, ref: v1}}]}
c: {script: x, rules: [{exists: {paths: [own.txt], project: g/lib}}]}
d: {script: x, rules: [{exists: {paths: [own.txt]}}]}
)",
                            context);
  EXPECT_EQ(job(plan, "a").reason, "rules[0]: exists [head.txt] in g/lib: head.txt");
  EXPECT_EQ(job(plan, "b").reason, "rules[0]: exists [*.txt] in g/lib: v1.txt");
  EXPECT_FALSE(job(plan, "c").created);
  EXPECT_TRUE(job(plan, "d").created);
  const std::string_view absent = "a: {script: x, rules: [{exists: {paths: [f], project: g/no}}]}";
  EXPECT_FALSE(plan_of(absent, context).created);
  EXPECT_TRUE(config::has_errors(plan_of(absent, context).diagnostics));
  EXPECT_FALSE(plan_of(absent, on_branch("main")).created) << "nobody knows the other project here";
}

TEST(Compile, ChangesWithoutABase) {
  const std::string_view yaml = "a: {script: x, rules: [{changes: [nothing]}]}";
  EXPECT_EQ(job(plan_of(yaml), "a").reason, "rules[0]: changes [nothing]: no base to compare with");
  Context empty;
  empty.changed = Strings{};
  EXPECT_FALSE(plan_of(yaml, empty).created);
}

TEST(Compile, TooManyComparisonsAreTaken) {
  Context context;
  context.changed = Strings(25'001, "some/path");
  const auto plan = plan_of("a: {script: x, rules: [{changes: [none, never]}]}", context);
  EXPECT_EQ(created(plan), "a");
}

TEST(Compile, WorkflowDecidesFirst) {
  const std::string_view yaml = R"(
workflow:
  name: "build $CI_COMMIT_BRANCH$NOPE"
  rules:
    - if: $CI_COMMIT_BRANCH == "main"
      variables: {WHERE: production}
variables: {WHERE: nowhere}
a: {script: x}
)";
  const auto plan = plan_of(yaml, on_branch("main"));
  EXPECT_EQ(plan.name, "build main");
  EXPECT_EQ(value_of(job(plan, "a").message.variables, "WHERE"), "production");
  EXPECT_EQ(value_of(job(plan, "a").message.variables, "CI_PIPELINE_NAME"), "build main");
  const auto none = plan_of(yaml, on_branch("dev"));
  EXPECT_FALSE(none.created);
  EXPECT_EQ(none.reason,
            "Pipeline filtered out by workflow rules. workflow:rules[0]: if $CI_COMMIT_BRANCH == \"main\" "
            "(CI_COMMIT_BRANCH=\"dev\") is false; no rule matched");
  EXPECT_FALSE(job(none, "a").created);
  EXPECT_TRUE(none.diagnostics.empty());
}

TEST(Compile, NothingToRun) {
  const auto none = plan_of("a: {script: x, rules: [{when: never}]}");
  EXPECT_FALSE(none.created);
  EXPECT_NE(none.reason.find("prevented any jobs"), std::string::npos);
  EXPECT_TRUE(none.diagnostics.empty());
  const auto ends = plan_of("a: {script: x, stage: .pre}");
  EXPECT_FALSE(ends.created);
  EXPECT_FALSE(job(ends, "a").created);
  EXPECT_EQ(ends.reason, "Pipeline will not run: it has jobs in the stages .pre and .post only.");
}

TEST(Compile, PrecedenceOfVariables) {
  Context context = on_branch("main");
  context.predefined = {{.key = "A", .value = "predefined"}, {.key = "P", .value = "predefined"}};
  context.project = {{.key = "D", .value = "project"}, {.key = "E", .value = "project"}};
  context.pipeline = {{.key = "E", .value = "pipeline"}};
  const auto plan = plan_of(R"(
variables: {A: global, B: global, C: global, D: global, E: global}
a:
  script: x
  variables: {B: job, C: job}
  rules: [{variables: {C: "rule $B"}}]
)",
                            context);
  const auto& variables = job(plan, "a").message.variables;
  Strings values;
  for (const auto* key : {"P", "A", "B", "C", "D", "E"}) values.push_back(value_of(variables, key));
  EXPECT_EQ(join(values, ","), "predefined,global,job,rule job,project,pipeline");
  Strings shown;
  for (const auto& variable : job(plan, "a").yaml_variables)
    shown.push_back(variable.key + "=" + variable.value);
  EXPECT_EQ(join(shown, " "), "A=global B=job C=rule job D=project E=pipeline");
}

TEST(Compile, PredefinedVariables) {
  Context context = on_branch("Feature/한글 x");
  context.default_branch = "main";
  context.source = "schedule";
  const auto plan = plan_of("'my job 2/3': {script: x, stage: test, image: python}", context);
  const auto& variables = plan.jobs.at(0).message.variables;
  const std::vector<std::pair<std::string, std::string>> expected = {
      {"CI", "true"},
      {"GITLAB_CI", "true"},
      {"CI_COMMIT_SHA", "0123456789abcdef0123456789abcdef01234567"},
      {"CI_COMMIT_SHORT_SHA", "01234567"},
      {"CI_COMMIT_BEFORE_SHA", std::string(40, '0')},
      {"CI_COMMIT_REF_NAME", "Feature/한글 x"},
      {"CI_COMMIT_BRANCH", "Feature/한글 x"},
      {"CI_COMMIT_TAG", "(absent)"},
      {"CI_DEFAULT_BRANCH", "main"},
      {"CI_PIPELINE_SOURCE", "schedule"},
      {"CI_JOB_NAME", "my job 2/3"},
      {"CI_JOB_NAME_SLUG", "my-job-2-3"},
      {"CI_JOB_GROUP_NAME", "my job"},
      {"CI_JOB_STAGE", "test"},
      {"CI_JOB_IMAGE", "python"},
      {"CI_NODE_TOTAL", "1"},
      {"CI_ENVIRONMENT_NAME", "(absent)"},
  };
  for (const auto& [key, value] : expected) EXPECT_EQ(value_of(variables, key), value) << key;
  context.is_tag = true;
  const auto tag = plan_of("a: {script: x}", context);
  EXPECT_EQ(value_of(tag.jobs.at(0).message.variables, "CI_COMMIT_BRANCH"), "(absent)");
  EXPECT_EQ(value_of(tag.jobs.at(0).message.variables, "CI_COMMIT_TAG"), "Feature/한글 x");
}

TEST(Compile, VariablesOfAllJobsAreBounded) {
  std::string text = "variables:\n";
  for (int i = 0; i < 1001; ++i) text += "  V" + std::to_string(i) + ": x\n";
  for (int i = 0; i < 500; ++i) text += "j" + std::to_string(i) + ": {script: x}\n";
  const auto plan = plan_of(text, on_branch("main"));
  EXPECT_FALSE(plan.created);
  EXPECT_EQ(codes(plan), "too-many-variables");
}

TEST(Compile, VariablesOfTheCommit) {
  Context context = on_branch("main");
  context.commit = {.message = "Fix $CI_COMMIT_MESSAGE\n\nbecause\nof it\n",
                    .author = "A <a@b.c>",
                    .timestamp = "2026-01-02T03:04:05+09:00",
                    .tag_message = {}};
  const auto plan = plan_of("a: {script: x, rules: [{if: '$CI_COMMIT_TITLE =~ /^Fix/'}]}", context);
  const auto& variables = plan.jobs.at(0).message.variables;
  EXPECT_EQ(value_of(variables, "CI_COMMIT_TITLE"), "Fix $CI_COMMIT_MESSAGE");
  EXPECT_EQ(value_of(variables, "CI_COMMIT_DESCRIPTION"), "because\nof it\n");
  EXPECT_EQ(value_of(variables, "CI_COMMIT_AUTHOR"), "A <a@b.c>");
  EXPECT_EQ(value_of(variables, "CI_COMMIT_TIMESTAMP"), "2026-01-02T03:04:05+09:00");
  EXPECT_EQ(value_of(variables, "CI_COMMIT_TAG_MESSAGE"), "(absent)");
  context.commit.message = std::string(100, 'x') + "\nrest";
  const auto longer = plan_of("a: {script: x}", context);
  EXPECT_EQ(value_of(longer.jobs.at(0).message.variables, "CI_COMMIT_DESCRIPTION"), context.commit.message);
}

TEST(Compile, VariablesOfAMergeRequest) {
  Context context = on_branch("topic");
  context.default_branch = "main";
  context.source = "merge_request_event";
  const auto plan = plan_of("a: {script: x, rules: [{if: $CI_MERGE_REQUEST_IID}]}", context);
  ASSERT_TRUE(plan.jobs.at(0).created);
  const auto& variables = plan.jobs.at(0).message.variables;
  EXPECT_EQ(value_of(variables, "CI_MERGE_REQUEST_SOURCE_BRANCH_NAME"), "topic");
  EXPECT_EQ(value_of(variables, "CI_MERGE_REQUEST_TARGET_BRANCH_NAME"), "main");
  EXPECT_EQ(value_of(variables, "CI_COMMIT_BRANCH"), "(absent)");
  EXPECT_EQ(value_of(variables, "CI_COMMIT_REF_NAME"), "topic");
}

TEST(Compile, VariablesOfServerAndProject) {
  const auto server = server_predefined("https://[::1]:8443");
  EXPECT_EQ(value_of(server, "CI_SERVER_HOST"), "[::1]");
  EXPECT_EQ(value_of(server, "CI_SERVER_PORT"), "8443");
  EXPECT_EQ(value_of(server, "CI_SERVER_FQDN"), "[::1]:8443");
  EXPECT_EQ(value_of(server, "CI_SERVER_PROTOCOL"), "https");
  EXPECT_EQ(value_of(server_predefined("http://ci.example"), "CI_SERVER_PORT"), "80");
  EXPECT_EQ(value_of(server_predefined(""), "CI_SERVER_URL"), "(absent)");
  EXPECT_EQ(value_of(server, "CI_SERVER_VERSION_MAJOR"), "17");
  const auto project =
      project_predefined({.id = 7, .path = "Group/sub/My.App", .url = "http://h/Group/sub/My.App"});
  EXPECT_EQ(value_of(project, "CI_PROJECT_NAME"), "My.App");
  EXPECT_EQ(value_of(project, "CI_PROJECT_NAMESPACE"), "Group/sub");
  EXPECT_EQ(value_of(project, "CI_PROJECT_ROOT_NAMESPACE"), "Group");
  EXPECT_EQ(value_of(project, "CI_PROJECT_PATH_SLUG"), "group-sub-my-app");
  EXPECT_EQ(value_of(project, "CI_REPOSITORY_URL"), "http://h/Group/sub/My.App.git");
}

TEST(Compile, Environments) {
  const auto plan = plan_of(R"(
a:
  script: x
  variables: {NAME: "Review/$CI_COMMIT_REF_NAME"}
  environment: {name: $NAME, url: "https://$CI_ENVIRONMENT_SLUG.example.com/$LATER"}
)",
                            on_branch("fix"));
  const auto& planned = job(plan, "a");
  EXPECT_EQ(planned.environment->name, "Review/fix");
  const std::string slug = environment_slug("Review/fix");
  EXPECT_EQ(planned.environment->url, "https://" + slug + ".example.com/$LATER");
  EXPECT_EQ(value_of(planned.message.variables, "CI_ENVIRONMENT_SLUG"), slug);
  EXPECT_EQ(value_of(planned.message.variables, "CI_ENVIRONMENT_TIER"), "development");
  EXPECT_EQ(value_of(planned.message.variables, "CI_ENVIRONMENT_ACTION"), "start");
}

TEST(Compile, EnvironmentSlugs) {
  EXPECT_EQ(environment_slug("production"), "production");
  EXPECT_EQ(environment_slug("staging-2"), "staging-2");
  EXPECT_TRUE(environment_slug("Review/x").starts_with("review-x-"));
  EXPECT_NE(environment_slug("Review/x"), environment_slug("review/x"));
  EXPECT_TRUE(environment_slug("1-x").starts_with("env-1-x-"));
  EXPECT_LE(environment_slug(std::string(300, 'a')).size(), 24U);
}

TEST(Compile, AllowFailureOfManualJobs) {
  const auto plan = plan_of(R"(
a: {script: x, when: manual}
b: {script: x, when: manual, allow_failure: false}
c: {script: x, rules: [{when: manual}]}
d: {script: x, rules: [{when: manual, allow_failure: true}]}
e: {script: x, allow_failure: {exit_codes: [3, 4]}}
f: {script: x, allow_failure: {exit_codes: [3]}, rules: [{allow_failure: true}]}
g: {script: x}
)");
  Strings out;
  for (const auto& planned : plan.jobs) {
    out.push_back(fmt::format("{}={}/{}", planned.name, planned.allow_failure.value,
                              planned.allow_failure.exit_codes.size()));
  }
  EXPECT_EQ(join(out, " "), "a=true/0 b=false/0 c=false/0 d=true/0 e=false/2 f=true/0 g=false/0");
}

TEST(Compile, OnlyAndExcept) {
  const auto run = [](std::string ref, bool tag, std::string source) {
    Context context;
    context.ref = std::move(ref);
    context.is_tag = tag;
    context.source = std::move(source);
    context.changed = Strings{"src/x"};
    context.predefined = {{.key = "CI_PROJECT_PATH", .value = "group/this"}};
    return created(plan_of(R"(
plain: {script: x}
on-branches: {script: x, only: [branches]}
on-tags: {script: x, only: [tags]}
on-schedules: {script: x, only: [schedules]}
on-merge: {script: x, only: [merge_requests]}
on-pattern: {script: x, only: [/^FEAT-/i]}
not-main: {script: x, except: [main]}
elsewhere: {script: x, only: ["main@group/other"]}
here: {script: x, only: ["main@group/this"]}
on-variable: {script: x, only: {variables: ["$CI_COMMIT_BRANCH == 'main'"]}}
on-changes: {script: x, only: {changes: ["docs/*"]}}
not-changes: {script: x, except: {changes: ["src/*"]}}
)",
                           context));
  };
  EXPECT_EQ(run("main", false, "push"), "plain on-branches here on-variable");
  EXPECT_EQ(run("feat-1", false, "schedule"), "plain on-branches on-schedules on-pattern not-main");
  EXPECT_EQ(run("v1", true, "push"), "plain on-tags not-main");
  EXPECT_EQ(run("feat-1", false, "merge_request_event"), "on-merge");
}

TEST(Compile, OnlyReasons) {
  const auto plan = plan_of("a: {script: x, only: [tags]}\nb: {script: x}", on_branch("main"));
  EXPECT_EQ(job(plan, "a").reason, "only: refs: none of [tags] matches ref main (push)");
}

TEST(Compile, Needs) {
  const auto plan = plan_of(R"(
stages: [build, test]
b1: {stage: build, script: x}
b2: {stage: build, script: x, rules: [{if: $NOPE}]}
t1: {script: x, needs: [b1]}
t2: {script: x, needs: [{job: b2, optional: true}]}
t3: {script: x, needs: [{job: b1, artifacts: false}, {job: b2, optional: true}]}
t4: {script: x}
t5: {script: x, rules: [{needs: []}]}
)");
  EXPECT_TRUE(plan.created);
  EXPECT_EQ(job(plan, "t1").needs->size(), 1U);
  EXPECT_TRUE(job(plan, "t2").needs->empty());
  EXPECT_FALSE(job(plan, "t3").needs->at(0).artifacts);
  EXPECT_FALSE(job(plan, "t4").needs.has_value());
  EXPECT_TRUE(job(plan, "t5").needs.has_value());
}

TEST(Compile, MissingNeedRefusesThePipelineAndSaysWhy) {
  const auto plan = plan_of(R"(
b: {stage: build, script: x, rules: [{if: $NOPE}]}
t: {script: x, needs: [b]}
)");
  EXPECT_FALSE(plan.created);
  EXPECT_EQ(codes(plan), "need-missing");
  EXPECT_EQ(
      plan.diagnostics.at(0).message,
      "'t' job needs 'b' job, but it was not added to the pipeline (rules[0]: if $NOPE (NOPE undefined) is "
      "false; no rule matched)");
  EXPECT_GT(plan.diagnostics.at(0).place.line, 0U);
  EXPECT_EQ(created(plan), "");
}

TEST(Compile, NeedsInACircle) {
  config::Definition definition;
  definition.stages = {"test"};
  for (const auto* name : {"a", "b", "c"}) {
    config::Job one;
    one.name = name;
    one.script = {"x"};
    config::Need need;
    need.job = std::string(name) == "a" ? "b" : std::string(name) == "b" ? "c" : "b";
    one.needs = std::vector{need};
    definition.jobs.push_back(one);
  }
  const auto plan = compile(definition, {});
  EXPECT_EQ(codes(plan), "needs-cycle");
}

TEST(Compile, ExpressionsAreCheckedEvenWhereNoRuleGetsThere) {
  const auto plan = plan_of(R"(
a: {script: x, rules: [{when: always}, {if: "$A = 1"}]}
b: {script: x, only: {variables: ["$B &&"]}}
c: {script: x, rules: [{exists: ["{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}"]}]}
)");
  EXPECT_EQ(codes(plan), "invalid-expression invalid-expression invalid-glob");
  EXPECT_FALSE(plan.created);
  EXPECT_EQ(plan.diagnostics.at(0).message,
            "job a: rules[1]:if: invalid expression syntax: $A = 1: column 4: unknown word = 1 (write == to "
            "compare)");
}

TEST(Compile, PatternsOfAJobsInputsAreChecked) {
  const auto inputs = [](std::string_view input) {
    return codes(plan_of("a: {script: x, inputs: {i: {" + std::string(input) + "}}}"));
  };
  EXPECT_EQ(inputs("default: v1, regex: '^v[0-9]+$'"), "");
  EXPECT_EQ(inputs("default: v, regex: '^v[0-9]+$'"), "invalid-input");
  EXPECT_EQ(inputs("default: v, regex: '('"), "invalid-pattern");
  EXPECT_EQ(inputs("type: number, default: 1, regex: '^v'"), "");
}

TEST(Compile, VariableCyclesAreRefused) {
  const auto plan = plan_of("a: {script: x, variables: {A: $B, B: $A}}");
  EXPECT_EQ(codes(plan), "variable-cycle");
  EXPECT_FALSE(plan.created);
}

TEST(Compile, MessageSteps) {
  const auto plan = plan_of(R"(
default: {before_script: [one], after_script: [clean]}
a: {script: [two, three $X], timeout: 10 minutes}
b: {script: [four], before_script: [], after_script: []}
)");
  const auto& a = job(plan, "a").message;
  ASSERT_EQ(a.steps.size(), 2U);
  EXPECT_EQ(a.steps[0].name, "script");
  EXPECT_EQ(a.steps[0].script, (Strings{"one", "two", "three $X"}));
  EXPECT_EQ(a.steps[0].timeout, Seconds{600});
  EXPECT_EQ(a.timeout, Seconds{600});
  EXPECT_EQ(a.steps[1].name, "after_script");
  EXPECT_EQ(a.steps[1].timeout, Seconds{300});
  EXPECT_EQ(a.steps[1].when, "always");
  EXPECT_TRUE(a.steps[1].allow_failure);
  EXPECT_EQ(job(plan, "b").message.steps.size(), 1U);
  EXPECT_EQ(job(plan, "b").message.timeout, Seconds{3600});
}

TEST(Compile, MessageImageServicesArtifactsCache) {
  Context context = on_branch("main");
  context.project = {{.key = "RAW", .value = "a$b", .raw = true}};
  const auto plan = plan_of(R"(
variables: {TAG: "v-$CI_COMMIT_SHORT_SHA"}
a:
  script: x
  image: {name: "registry/$TAG:$CI_JOB_ID", entrypoint: [""]}
  services: [{name: "db:$TAG", alias: db, command: [serve], variables: {P: $TAG}}]
  tags: [$TAG]
  artifacts:
    paths: [out/$TAG, "$RAW"]
    exclude: [out/*.tmp]
    name: all
    when: always
    expire_in: 1 week
    reports: {junit: junit.xml, dotenv: build.env}
  cache: {key: $CI_COMMIT_REF_SLUG, paths: [.pip], policy: pull}
)",
                            context);
  const auto& m = job(plan, "a").message;
  EXPECT_EQ(m.image->name, "registry/v-01234567:$CI_JOB_ID");
  EXPECT_EQ(m.image->entrypoint, Strings{""});
  EXPECT_EQ(m.services.at(0).name, "db:v-01234567");
  EXPECT_EQ(m.services.at(0).aliases, Strings{"db"});
  EXPECT_EQ(m.services.at(0).command, Strings{"serve"});
  EXPECT_EQ(value_of(m.services.at(0).variables, "P"), "v-01234567");
  EXPECT_EQ(m.tags, Strings{"v-01234567"});
  ASSERT_EQ(m.artifacts.size(), 3U);
  EXPECT_EQ(m.artifacts[0].paths, (Strings{"out/v-01234567", "$RAW"}));  // the runner knows that it is raw
  EXPECT_EQ(m.artifacts[0].name + m.artifacts[0].type + m.artifacts[0].format, "allarchivezip");
  EXPECT_EQ(m.artifacts[0].when, "always");
  EXPECT_EQ(m.artifacts[0].expire_in, Seconds{7 * 24 * 3600});
  EXPECT_EQ(m.artifacts[1].name + " " + m.artifacts[1].type + " " + m.artifacts[1].format,
            "junit.xml junit gzip");
  EXPECT_EQ(m.artifacts[2].type + " " + m.artifacts[2].format + " " + m.artifacts[2].when,
            "dotenv gzip always");
  EXPECT_EQ(m.cache.at(0).key + " " + m.cache.at(0).policy, "main pull");
  EXPECT_EQ(m.git.refspecs, Strings{"+refs/heads/main:refs/remotes/origin/main"});
  EXPECT_EQ(m.git.depth, 20);
}

TEST(Compile, Dependencies) {
  const auto plan = plan_of(R"(
stages: [build, test, deploy]
.out: {script: x, artifacts: {paths: [out]}}
b1: {extends: .out, stage: build}
b2: {extends: .out, stage: build}
b3: {stage: build, script: x}
t1: {extends: .out, stage: test, needs: [b2, {job: b1, artifacts: false}]}
d1: {stage: deploy, script: x}
d2: {stage: deploy, script: x, dependencies: [b2]}
d3: {stage: deploy, script: x, dependencies: []}
d4: {stage: deploy, script: x, needs: [], rules: [{needs: []}]}
)");
  const auto names = [&](std::string_view name) {
    Strings out;
    for (const auto& dependency : job(plan, name).message.dependencies) out.push_back(dependency.name);
    return join(out, " ");
  };
  EXPECT_EQ(names("b1"), "");
  EXPECT_EQ(names("t1"), "b2");
  EXPECT_EQ(names("d1"), "b1 b2 t1");
  EXPECT_EQ(names("d2"), "b2");
  EXPECT_EQ(names("d3"), "");
  EXPECT_EQ(names("d4"), "");
}

config::Definition many_jobs(std::size_t count, bool artifacts) {
  config::Definition definition;
  definition.stages = {"build", "test"};
  for (std::size_t i = 0; i < count; ++i) {
    config::Job one;
    one.name = fmt::format("job {}", i);
    one.stage = i < count / 2 ? "build" : "test";
    one.script = {"x"};
    config::Rule rule;
    rule.if_expression = "$CI_COMMIT_BRANCH == \"main\"";
    rule.changes = config::PathMatch{.paths = {"src/**/*"}, .compare_to = {}, .project = {}, .ref = {}};
    one.rules = std::vector{rule};
    if (artifacts) one.artifacts.emplace().paths = {"out"};
    if (i >= count / 2 && !artifacts) {
      config::Need need;
      need.job = fmt::format("job {}", i - count / 2);
      one.needs = std::vector{need};
    }
    definition.jobs.push_back(std::move(one));
  }
  return definition;
}

Millis time_of(const config::Definition& definition) {
  Context context;
  context.changed = Strings(500, "doc/x");
  context.changed->push_back("src/a");
  const auto start = std::chrono::steady_clock::now();
  const auto plan = compile(definition, context);
  EXPECT_EQ(plan.created, !definition.jobs[0].artifacts);
  return std::chrono::duration_cast<Millis>(std::chrono::steady_clock::now() - start);
}

TEST(Compile, TwentyThousandJobsInLinearTime) {
  const auto small = time_of(many_jobs(2'000, false));
  const auto large = time_of(many_jobs(20'000, false));
  // Ten times the jobs: quadratic work would take a hundred times as long.
  EXPECT_LT(large.count(), 40 * (small.count() + 5));
}

TEST(Compile, TooManyDependenciesAreRefusedNotStored) {
  const auto plan = compile(many_jobs(4'000, true), {});
  EXPECT_EQ(codes(plan), "too-many-dependencies");
}

}  // namespace
}  // namespace tidegate::pipeline
