// TestRepository: a repository that the git command makes and checks. For tests.
#pragma once

#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "adapters/git/repository.h"
#include "base/text.h"
#include "sys/file.h"
#include "sys/process.h"

namespace tidegate::git {

class RepositoryTest : public testing::Test {
 protected:
  void SetUp() override {
    auto made = sys::TempDirectory::make("/tmp", "tg-git-");
    ASSERT_TRUE(made);
    folder_.emplace(std::move(*made));
    run({"init", "-q", "-b", "main", work().native()});
    put("train.py", "DATA_PATH = \"old\"\n");
    put("src/deep/a.txt", "a\n");
    put("run.sh", "#!/bin/sh\n");
    std::filesystem::permissions(work() / "run.sh", std::filesystem::perms(0755));
    std::filesystem::create_symlink("train.py", work() / "link");
    first_ = commit("first");
    auto opened = open_repository(work());
    ASSERT_TRUE(opened) << opened.error().message;
    repository_ = *std::move(opened);
  }
  void TearDown() override {
    if (folder_) EXPECT_EQ(run({"-C", work().native(), "fsck", "--strict", "--full"}), "");
  }

  std::filesystem::path work() const { return folder_->path() / "work"; }
  void put(const std::string& name, std::string_view content) {
    ASSERT_TRUE(sys::make_directories((work() / name).parent_path()));
    ASSERT_TRUE(sys::write_file(work() / name, content));
  }
  // What git prints, trimmed.
  std::string run(std::vector<std::string> arguments) {
    sys::Command command;
    command.argv = {"git"};
    command.argv.insert(command.argv.end(), arguments.begin(), arguments.end());
    command.extra_environment = {{"GIT_CONFIG_GLOBAL", "/dev/null"}, {"GIT_CONFIG_SYSTEM", "/dev/null"},
                                 {"GIT_AUTHOR_NAME", "A"},           {"GIT_AUTHOR_EMAIL", "a@x"},
                                 {"GIT_COMMITTER_NAME", "C"},        {"GIT_COMMITTER_EMAIL", "c@x"}};
    const auto out = sys::run_checked(command);
    EXPECT_TRUE(out) << out.error().message;
    return out ? std::string(trim(*out)) : "";
  }
  std::string git(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"-C", work().native()});
    return run(arguments);
  }
  std::string commit(const std::string& message) {
    git({"add", "-A"});
    git({"commit", "-q", "--allow-empty", "-m", message});
    return git({"rev-parse", "HEAD"});
  }

  std::optional<sys::TempDirectory> folder_;
  std::string first_;
  std::unique_ptr<app::GitRepository> repository_;
};

}  // namespace tidegate::git
