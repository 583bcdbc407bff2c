#include "app/local/working_copy.h"

#include <filesystem>

#include <gtest/gtest.h>

#include "app/local/git_command.h"
#include "app/local/job_copies.h"
#include "sys/file.h"
#include "sys/process.h"

namespace tidegate::app {
namespace {

namespace fs = std::filesystem;
using Paths = std::vector<std::string>;

class WorkingCopyTest : public testing::Test {
 protected:
  void SetUp() override {
    auto made = sys::TempDirectory::make(fs::temp_directory_path(), "copy-");
    ASSERT_TRUE(made);
    folder_.emplace(std::move(*made));
    root_ = fs::canonical(folder_->path()) / "project";
    fs::create_directories(root_);
  }
  void file(const std::string& path, const std::string& text = "x") const {
    fs::create_directories((root_ / path).parent_path());
    ASSERT_TRUE(sys::write_file(root_ / path, text));
  }
  void git(std::vector<std::string> arguments) const {
    sys::Command command;
    command.argv = {
        "git", "-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false",
        "-C",  root_};
    command.argv.insert(command.argv.end(), arguments.begin(), arguments.end());
    const auto done = sys::run_checked(command);
    ASSERT_TRUE(done) << done.error().message;
  }
  void repository() const {
    git({"init", "-q", "-b", "main"});
    file("kept.py");
    file("gone.py");
    file(".gitignore", "*.o\n");
    git({"add", "-A"});
    git({"commit", "-q", "-m", "one"});
  }
  WorkingCopy open() const {
    auto copy = open_working_copy(root_);
    EXPECT_TRUE(copy) << copy.error().message;
    return copy.value_or(WorkingCopy{});
  }

  std::optional<sys::TempDirectory> folder_;
  fs::path root_;
};

TEST_F(WorkingCopyTest, TracksWhatWouldBeCommitted) {
  repository();
  fs::remove(root_ / "gone.py");
  file("새 파일 $(x).txt");
  file("ignored.o");
  const WorkingCopy copy = open();
  EXPECT_TRUE(copy.git);
  EXPECT_FALSE(copy.untracked.empty());
  EXPECT_EQ(copy.branch, "main");
  EXPECT_EQ(copy.files, (Paths{".gitignore", "kept.py", "새 파일 $(x).txt"}));
  EXPECT_EQ(changed_paths(copy).value(), (Paths{"gone.py", "새 파일 $(x).txt"}));
}

TEST_F(WorkingCopyTest, ACleanCopyIsComparedWithTheCommitBefore) {
  repository();
  EXPECT_EQ(changed_paths(open()).value(), std::nullopt);  // no commit before
  file("second.py");
  git({"add", "-A"});
  git({"commit", "-q", "-m", "two"});
  EXPECT_EQ(changed_paths(open()).value(), (Paths{"second.py"}));
}

TEST_F(WorkingCopyTest, ABranchIsComparedWithWhereItBegan) {
  repository();
  git({"checkout", "-q", "-b", "topic"});
  for (const char* name : {"a.py", "b.py"}) {
    file(name);
    git({"add", "-A"});
    git({"commit", "-q", "-m", name});
  }
  file("c.py");
  const WorkingCopy copy = open();
  EXPECT_EQ(copy.default_branch, "main");
  EXPECT_EQ(changed_paths(copy).value(), (Paths{"a.py", "b.py", "c.py"}));
  EXPECT_EQ(changed_paths(copy, "HEAD").value(), (Paths{"c.py"}));
  EXPECT_FALSE(changed_paths(copy, "no-such-ref"));
  EXPECT_FALSE(changed_paths(copy, "--output=/tmp/x"));
}

TEST_F(WorkingCopyTest, WithoutGitEverythingIsTaken) {
  file("a/b.txt");
  file("c.txt");
  const WorkingCopy copy = open();
  EXPECT_FALSE(copy.git);
  EXPECT_EQ(copy.files, (Paths{"a/b.txt", "c.txt"}));
  EXPECT_EQ(changed_paths(copy).value(), std::nullopt);
  EXPECT_FALSE(context_of(copy).changed);
  EXPECT_EQ(open_working_copy(root_ / "none").error().code, Errc::kNotFound);
}

TEST_F(WorkingCopyTest, SourcesNeverLeaveTheDirectory) {
  ASSERT_TRUE(sys::write_file(root_.parent_path() / "secret", "secret"));
  file("ci/build.yml", "build");
  const auto sources = sources_of(open());
  EXPECT_EQ(sources.read("ci/build.yml"), "build");
  EXPECT_FALSE(sources.read("../secret"));
  EXPECT_FALSE(sources.read("ci/../../secret"));
}

TEST_F(WorkingCopyTest, ACopyHasModesLinksAndHistory) {
  repository();
  file("run.sh", "#!/bin/sh\n");
  fs::permissions(root_ / "run.sh", fs::perms::owner_all);
  fs::create_symlink("kept.py", root_ / "link");
  file("kept.py", "changed");
  fs::remove(root_ / "gone.py");
  const WorkingCopy copy = open();
  const fs::path into = root_.parent_path() / "job";
  fs::create_directories(into);
  JobCopies copies(copy, root_.parent_path() / "history");
  const Status copied = copies.add(into);
  ASSERT_TRUE(copied) << copied.error().message;
  EXPECT_EQ(sys::read_file(into / "kept.py").value_or(""), "changed");
  EXPECT_EQ(fs::read_symlink(into / "link"), "kept.py");
  EXPECT_NE(fs::status(into / "run.sh").permissions() & fs::perms::owner_exec, fs::perms::none);
  EXPECT_FALSE(fs::exists(into / "gone.py"));
  sys::Command status;
  status.argv = {"git", "-C", into, "-c", "safe.directory=*", "status", "--porcelain"};
  EXPECT_EQ(sys::run_checked(status).value_or("failed"), " D gone.py\n M kept.py\n?? link\n?? run.sh\n");
  // What one job does to its copy, another does not see.
  sys::Command commit;
  commit.argv = {"git",    "-C",   into,        "-c", "user.name=t", "-c", "user.email=t@t",
                 "commit", "-qam", "of the job"};
  ASSERT_TRUE(sys::run_checked(commit));
  const fs::path other = root_.parent_path() / "other";
  fs::create_directories(other);
  ASSERT_TRUE(copies.add(other));
  EXPECT_EQ(run_git(other, {"rev-parse", "HEAD"}).value_or(""), copy.sha + "\n");
  EXPECT_EQ(run_git(other, {"fsck", "--strict"}).value_or("failed"), "");
}

}  // namespace
}  // namespace tidegate::app
