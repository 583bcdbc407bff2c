#include "app/lint/lint_project.h"

#include <map>

#include <gtest/gtest.h>

#include "config/testing.h"

namespace tidegate::app {
namespace {

using config::testing::find;
using config::testing::text_of;

using Files = std::map<std::string, std::string>;

LintReport report_on(const Files& files, const std::vector<std::string>& disabled = {}) {
  config::Sources sources;
  sources.read = [&files](const std::string& path) -> std::optional<std::string> {
    const auto found = files.find(path);
    return found == files.end() ? std::nullopt : std::optional(found->second);
  };
  sources.list = [] { return std::vector<std::string>(); };
  const auto loaded = config::load(files.at(".gitlab-ci.yml"), ".gitlab-ci.yml", sources);
  return lint_project(loaded, sources, disabled);
}

TEST(LintProject, TellsFaultsOfShapeRulesAndAdviceAtOnce) {
  const auto report =
      report_on({{".gitlab-ci.yml",
                  "a:\n  script: [printenv]\n  retry: 9\nb:\n  script: x\n  rules: [{if: $A = 1}]\n"}});
  EXPECT_FALSE(report.valid);
  EXPECT_TRUE(find(report.diagnostics, "invalid-value")) << text_of(report.diagnostics);
  EXPECT_TRUE(find(report.diagnostics, "environment-printed"));
  const auto expression = find(report.diagnostics, "invalid-expression");
  ASSERT_TRUE(expression);
  EXPECT_EQ(expression->job, "b");
  EXPECT_EQ(report.diagnostics.back().code, "invalid-expression") << "in the order of the lines";
}

const char* const kProject =
    "data:\n  training:\n    source: s3://bucket/p/\n    bind: [{file: train.py, name: DATA_PATH}]\n";

struct Case {
  const char* name;
  const char* train;
  bool good;
};

TEST(LintProject, LooksForThePlacesThatDataIsBoundIn) {
  const Case cases[] = {
      {"there", "DATA_PATH = \"x\"\n", true},
      {"not there", "OTHER = \"x\"\n", false},
      {"twice", "DATA_PATH = \"x\"\nDATA_PATH = \"y\"\n", false},
      {"no literal", "DATA_PATH = f()\n", false},
  };
  for (const Case& one : cases) {
    const auto report = report_on(
        {{".gitlab-ci.yml", "j: {script: x}"}, {"tidegate.yml", kProject}, {"train.py", one.train}});
    EXPECT_EQ(find(report.diagnostics, "binding-not-there").has_value(), !one.good)
        << one.name << "\n"
        << text_of(report.diagnostics);
    EXPECT_TRUE(report.valid) << "the pipeline file is not at fault";
  }
  const auto report = report_on({{".gitlab-ci.yml", "j: {script: x}"}, {"tidegate.yml", kProject}});
  EXPECT_EQ(find(report.diagnostics, "binding-not-there")->place.line, 2U) << text_of(report.diagnostics);
}

TEST(LintProject, AFileThatTidegateWritesNeedNotBeThere) {
  const auto report =
      report_on({{".gitlab-ci.yml", "j: {script: x}"},
                 {"tidegate.yml", "data: {d: {source: 's3://bucket/p/', bind: [{file: lock.json}]}}"}});
  EXPECT_TRUE(report.diagnostics.empty()) << text_of(report.diagnostics);
}

TEST(LintProject, WarningsAreSwitchedOffByTheProjectAndByTheCaller) {
  const Files plain = {{".gitlab-ci.yml", "j: {script: printenv}"}};
  EXPECT_EQ(report_on(plain).diagnostics.size(), 1U);
  EXPECT_TRUE(report_on(plain, {"environment-printed"}).diagnostics.empty());
  Files off = plain;
  off["tidegate.yml"] = "lint: {disable: [environment-printed]}";
  EXPECT_TRUE(report_on(off).diagnostics.empty());
}

TEST(LintProject, AnUnknownCodeIsNamedWithTheNearest) {
  EXPECT_EQ(unknown_lint({"secret-printed", "all"}), "");
  EXPECT_EQ(unknown_lint({"secret-pinted"}),
            "there is no warning secret-pinted; did you mean secret-printed?");
  const auto report =
      report_on({{".gitlab-ci.yml", "j: {script: x}"}, {"tidegate.yml", "lint: {disable: [image-lates]}"}});
  EXPECT_TRUE(find(report.diagnostics, "unknown-lint")) << text_of(report.diagnostics);
}

}  // namespace
}  // namespace tidegate::app
