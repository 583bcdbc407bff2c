#include "app/local/include_sources.h"

#include <fstream>

#include <gtest/gtest.h>

#include "base/text.h"
#include "config/load.h"
#include "sys/file.h"
#include "sys/process.h"

namespace tidegate::app {
namespace {

namespace fs = std::filesystem;

class IncludeSourcesTest : public ::testing::Test {
 protected:
  void write(const std::string& path, const std::string& text) {
    fs::create_directories((root_ / path).parent_path());
    std::ofstream(root_ / path) << text;
  }

  void git(const std::string& folder, std::vector<std::string> arguments) {
    sys::Command command;
    command.argv = {"git", "-C", (root_ / folder).native(), "-c", "user.name=t", "-c", "user.email=t@t"};
    command.argv.insert(command.argv.end(), arguments.begin(), arguments.end());
    ASSERT_TRUE(sys::run_checked(command));
  }

  /// The names of the jobs, or the codes of the errors.
  std::string load(const std::string& text) {
    write("own/.gitlab-ci.yml", text);
    const auto copy = open_working_copy(root_ / "own");
    EXPECT_TRUE(copy);
    config::Sources sources = include_sources(*copy, "local/own", settings_);
    sources.remote = [](const std::string& url) -> Result<std::string> {
      return fail(Errc::kUnavailable, "no network: " + url);
    };
    const auto loaded = config::load(text, ".gitlab-ci.yml", sources);
    std::string out;
    if (loaded.definition)
      for (const auto& job : loaded.definition->jobs) out += (out.empty() ? "" : " ") + job.name;
    for (const auto& found : loaded.diagnostics)
      if (found.severity == config::Severity::kError) out += found.code + ": " + found.message;
    return out;
  }

  sys::TempDirectory folder_ = *sys::TempDirectory::make(fs::temp_directory_path(), "tidegate-include-");
  fs::path root_ = folder_.path();
  IncludeSettings settings_;
};

TEST_F(IncludeSourcesTest, AProjectIsAFolderThatIsNamed) {
  write("lib/ci/a.yml", "a: {script: x}");
  const std::string text = "include: {project: g/lib, file: ci/a.yml}";
  EXPECT_NE(load(text).find("include-unavailable: Project `g/lib` is not on this machine; --project-dir"),
            std::string::npos);
  settings_.projects = *parse_project_dirs({"g/lib=" + (root_ / "lib").native()});
  EXPECT_EQ(load(text), "a");
  EXPECT_NE(load("include: {project: g/lib, ref: v1, file: ci/a.yml}").find("include-not-found"),
            std::string::npos)
      << "a folder without Git has no refs";
}

TEST_F(IncludeSourcesTest, ARefIsReadFromGitAndWithoutOneTheFilesAsTheyLie) {
  write("lib/a.yml", "old: {script: x}");
  git("lib", {"init", "-q", "-b", "main"});
  git("lib", {"add", "."});
  git("lib", {"commit", "-q", "-m", "one"});
  git("lib", {"tag", "1.0.0"});
  write("lib/a.yml", "new: {script: x}");
  settings_.projects = {{"g/lib", root_ / "lib"}};
  EXPECT_EQ(load("include: {project: g/lib, ref: 1.0.0, file: a.yml}"), "old");
  EXPECT_EQ(load("include: {project: g/lib, file: a.yml}"), "new");
  EXPECT_NE(load("include: {project: g/lib, ref: --all, file: a.yml}").find("include-not-found"),
            std::string::npos);
}

TEST_F(IncludeSourcesTest, ComponentsTakeTagsAndOwnProjectIsTheWorkingCopy) {
  write("lib/templates/build.yml", "build: {script: x}");
  git("lib", {"init", "-q", "-b", "main"});
  git("lib", {"add", "."});
  git("lib", {"commit", "-q", "-m", "one"});
  git("lib", {"tag", "1.2.0"});
  write("own/templates/mine/template.yml", "mine: {script: x}");
  settings_.projects = {{"host.example/g/lib", root_ / "lib"}};
  EXPECT_EQ(load("include: [{component: host.example/g/lib/build@~latest}]"), "build");
  EXPECT_EQ(load("include: [{component: host.example/g/lib/build@1}]"), "build");
  EXPECT_NE(load("include: [{component: other.example/g/lib/build@1}]").find("include-unavailable"),
            std::string::npos);
  EXPECT_EQ(load("include: [{component: any.example/local/own/mine@main}]"), "mine");
  EXPECT_EQ(load("include: [{component: /local/own/mine@main}]"), "mine") << "$CI_SERVER_FQDN is not set";
}

TEST_F(IncludeSourcesTest, TemplatesLieInTheFolderThatIsNamedAndNowhereElse) {
  write("templates/Jobs/A.gitlab-ci.yml", "a: {script: x}");
  write("secret.gitlab-ci.yml", "b: {script: x}");
  EXPECT_NE(load("include: {template: Jobs/A.gitlab-ci.yml}").find("--templates DIR"), std::string::npos);
  settings_.templates = root_ / "templates";
  EXPECT_EQ(load("include: {template: Jobs/A.gitlab-ci.yml}"), "a");
  EXPECT_NE(load("include: {template: ../secret.gitlab-ci.yml}").find("outside"), std::string::npos);
  EXPECT_NE(load("include: {template: None.gitlab-ci.yml}").find("include-not-found"), std::string::npos);
}

TEST_F(IncludeSourcesTest, RulesMayAskForFilesOfAnotherProject) {
  write("own/.gitlab-ci.yml", "");
  write("lib/ci/a.yml", "");
  settings_.projects = *parse_project_dirs({"g/lib=" + (root_ / "lib").native()});
  const auto paths =
      config::tree_of(include_sources(*open_working_copy(root_ / "own"), "local/own", settings_));
  EXPECT_EQ(*paths("g/lib", ""), std::vector<std::string>{"ci/a.yml"});
  EXPECT_NE(paths("g/other", "").error().message.find("--project-dir g/other=DIR"), std::string::npos);
}

TEST(ProjectDirs, AreWrittenAsPathAndFolder) {
  EXPECT_TRUE(parse_project_dirs({"g/p=../x"}));
  for (const char* wrong : {"g/p", "gp=x", "g/p=", "=x"}) EXPECT_FALSE(parse_project_dirs({wrong})) << wrong;
}

}  // namespace
}  // namespace tidegate::app
