// What of the keywords reaches the runner: caches and their keys, reports, steps, hooks, secrets, release.
#include <algorithm>

#include <gtest/gtest.h>

#include "base/text.h"
#include "config/keywords.h"
#include "config/testing.h"
#include "pipeline/plan.h"

namespace tidegate::pipeline {
namespace {

PlannedJob planned(const std::string& keywords, const Context& context = {}) {
  const auto loaded = config::testing::load_text("j:\n" + keywords);
  EXPECT_TRUE(loaded.definition) << config::testing::text_of(loaded.diagnostics);
  if (!loaded.definition) return {};
  auto plan = compile(*loaded.definition, context);
  EXPECT_TRUE(plan.created) << plan.reason << config::testing::text_of(plan.diagnostics);
  return plan.jobs.empty() ? PlannedJob{} : plan.jobs.front();
}

Context with_files() {
  Context context;
  context.tree = [] { return std::vector<std::string>{"a/lock", "b/lock", "package.json"}; };
  context.files_key = [](const auto& files) -> std::optional<std::string> {
    return files.empty() ? std::nullopt : std::optional("content(" + join(files, " ") + ")");
  };
  context.commits_key = [](const auto& files) -> std::optional<std::string> {
    return "commits(" + join(files, " ") + ")";
  };
  return context;
}

TEST(Message, CacheKeys) {
  struct Case {
    const char* cache;
    std::optional<bool> ref_protected;
    const char* key;
  };
  const Case cases[] = {
      {"{paths: [x]}", std::nullopt, "default"},
      {"{paths: [x]}", true, "default-protected"},
      {"{paths: [x]}", false, "default-non_protected"},
      {"{paths: [x], unprotect: true}", true, "default-non_protected"},
      {"{key: $CI_COMMIT_REF_SLUG}", std::nullopt, "main"},
      {"{key: {files: [package.json]}}", std::nullopt, "0_package-content(package.json)"},
      {"{key: {files: ['**/lock']}}", std::nullopt, "0_**_lock-content(a/lock b/lock)"},
      {"{key: {files: ['**/none'], prefix: p}}", std::nullopt, "p-default"},
      {"{key: {files: [package.json], prefix: $CI_JOB_NAME}}", false,
       "j-content(package.json)-non_protected"},
      {"{key: {files_commits: [package.json]}}", std::nullopt, "0-commits(package.json)"},
  };
  for (const Case& c : cases) {
    Context context = with_files();
    context.ref_protected = c.ref_protected;
    const auto job = planned(std::string("  script: x\n  cache: ") + c.cache, context);
    ASSERT_EQ(job.message.cache.size(), 1U);
    EXPECT_EQ(job.message.cache[0].key, c.key) << c.cache;
  }
}

TEST(Message, CachesOfOneJobWithTheSameFilesDiffer) {
  const auto job =
      planned("  script: x\n  cache: [{key: {files: [l]}, paths: [a]}, {key: {files: [l]}, paths: [b]}]",
              with_files());
  ASSERT_EQ(job.message.cache.size(), 2U);
  EXPECT_NE(job.message.cache[0].key, job.message.cache[1].key);
}

TEST(Message, FallbackKeysAndPolicyAreExpanded) {
  Context context;
  context.ref_protected = true;
  const auto job = planned(
      "  script: x\n  variables: {P: pull}\n  cache: {key: k, paths: [x], policy: $P, fallback_keys: "
      "[$CI_COMMIT_REF_SLUG, d]}",
      context);
  ASSERT_EQ(job.message.cache.size(), 1U);
  EXPECT_EQ(job.message.cache[0].policy, "pull");
  EXPECT_EQ(join(job.message.cache[0].fallback_keys, " "), "main-protected d-protected");
}

TEST(Message, EveryReportHasItsTypeNameAndFormat) {
  for (const config::Keyword& report : config::report_keywords()) {
    if (report.name == "coverage_report" || report.support != config::Support::kRead) continue;
    const std::string name(report.name);
    const auto job = planned("  script: x\n  artifacts: {reports: {" + name + ": r.json}}");
    ASSERT_EQ(job.message.artifacts.size(), 1U) << name;
    const JobArtifacts& built = job.message.artifacts[0];
    EXPECT_EQ(built.type, name);
    EXPECT_EQ(built.when, "always");
    EXPECT_NE(built.name, name) << "no form for " << name;
  }
  const auto job = planned(
      "  script: x\n  artifacts: {reports: {coverage_report: {coverage_format: jacoco, path: c.xml}}}");
  ASSERT_EQ(job.message.artifacts.size(), 1U);
  EXPECT_EQ(job.message.artifacts[0].type + " " + job.message.artifacts[0].format, "jacoco gzip");
}

TEST(Message, StepsOfRunAreShellsOfTheirOwn) {
  const auto job =
      planned("  run: [{name: one, script: cd x, env: {A: \"it's $B\"}}, {name: two, script: ls}]");
  ASSERT_EQ(job.message.steps.size(), 1U);
  EXPECT_EQ(join(job.message.steps[0].script, "|"),
            "# step one\n(\nexport A='it'\\''s $B'\ncd x\n)|# step two\n(\nls\n)");
}

TEST(Message, InputsOfAJobStandInItsScript) {
  const auto job = planned(
      "  inputs: {n: {type: number, default: 3}}\n  script: [\"echo ${{ job.inputs.n }} ${{ job.inputs.m "
      "}}\"]");
  EXPECT_EQ(job.message.steps.at(0).script.at(0), "echo 3 ${{ job.inputs.m }}");
}

TEST(Message, CarriesHooksSecretsAndRelease) {
  const std::string keywords = R"(
  script: x
  variables: {V: "1.2"}
  hooks: {pre_get_sources_script: [echo hi]}
  secrets: {TOKEN: {vault: a/b, file: false}}
  release: {tag_name: v$V, description: "$V is out", assets: {links: [{name: n, url: "https://x/$V"}]}}
  id_tokens: {T: {aud: "https://$V"}}
  coverage: '/\d+%/'
  artifacts: {access: none, paths: [a]}
  environment: {name: e, auto_stop_in: "$V days"}
)";
  const auto job = planned(keywords);
  ASSERT_EQ(job.message.hooks.size(), 1U);
  EXPECT_EQ(job.message.hooks[0].script.at(0), "echo hi");
  ASSERT_EQ(job.message.secrets.size(), 1U);
  EXPECT_FALSE(job.message.secrets[0].file);
  EXPECT_TRUE(job.message.may_have_secrets);
  ASSERT_TRUE(job.message.release);
  EXPECT_EQ(job.message.release->tag_name, "v1.2");
  EXPECT_EQ(job.message.release->links.at(0).url, "https://x/1.2");
  EXPECT_EQ(job.options.id_tokens.at(0).audiences.at(0), "https://1.2");
  EXPECT_EQ(job.options.coverage, "\\d+%");
  EXPECT_EQ(job.options.artifacts_access, "none");
  EXPECT_EQ(job.environment->auto_stop_in, "1.2 days");
  Context context;
  context.ref_protected = false;
  EXPECT_FALSE(planned(keywords, context).message.may_have_secrets);
}

TEST(Message, TheFolderOfAPagesJobIsAnArtifact) {
  const auto job = planned("  script: x\n  pages: {publish: dist}\n  artifacts: {paths: [log]}");
  ASSERT_EQ(job.message.artifacts.size(), 1U);
  EXPECT_EQ(join(job.message.artifacts[0].paths, " "), "log dist");
}

}  // namespace
}  // namespace tidegate::pipeline
