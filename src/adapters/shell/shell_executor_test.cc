// What only the shell executor has. The contract that all executors share is in tests/executors.
#include "adapters/shell/shell_executor.h"

#include <fcntl.h>
#include <filesystem>
#include <optional>
#include <signal.h>
#include <spawn.h>
#include <string>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

#include <fmt/core.h>
#include <gtest/gtest.h>

#include "base/sha256.h"
#include "base/text.h"
#include "sys/file.h"
#include "sys/unique_fd.h"

namespace tidegate::shell {
namespace {

namespace fs = std::filesystem;

class Shell : public testing::Test {
 protected:
  void SetUp() override {
    auto made = sys::TempDirectory::make(fs::temp_directory_path(), "shell-");
    ASSERT_TRUE(made);
    folder_.emplace(std::move(*made));
    space_.project_host = folder_->path();
    space_.project_inside = folder_->path().native();
    space_.scratch = folder_->path();
    message_.id = JobId(42);
  }
  std::string run(const std::string& script, const std::map<std::string, std::string>& variables = {}) {
    auto environment =
        executor_.prepare(message_, space_, [this](std::string_view text) { said_ += text; }, never_);
    EXPECT_TRUE(environment);
    std::string out;
    const auto ended =
        (*environment)
            ->run(script, variables, Millis{60'000}, [&](std::string_view bytes) { out += bytes; }, never_);
    EXPECT_TRUE(ended) << ended.error().message;
    return out;
  }
  // A process as a killed runner would leave it, with the environment of one of its jobs.
  static pid_t leave(const std::string& marker) {
    std::string variable = marker + "=1";
    std::string program = "sleep";
    std::string seconds = "600";
    char* argv[] = {program.data(), seconds.data(), nullptr};
    char* environment[] = {variable.data(), nullptr};
    pid_t pid = 0;
    EXPECT_EQ(::posix_spawn(&pid, "/bin/sleep", nullptr, nullptr, argv, environment), 0);
    return pid;
  }
  static bool killed(pid_t pid) {
    int status = 0;
    return ::waitpid(pid, &status, WNOHANG) == pid && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
  }

  const std::string runner_ = "shell-test-" + random_hex(6);
  const std::string prefix_ = "TIDEGATE_JOB_" + to_upper(sha256_hex(runner_).substr(0, 16)) + "_";
  ShellExecutor executor_{{.runner = runner_}};
  std::optional<sys::TempDirectory> folder_;
  app::JobSpace space_;
  pipeline::JobMessage message_;
  sys::StopFlag never_;
  std::string said_;
};

TEST_F(Shell, TheServersOwnEnvironmentIsNotTheJobs) {
  ASSERT_EQ(::setenv("TIDEGATE_TEST_SERVER_SECRET", "s3cret", 1), 0);  // NOLINT(concurrency-mt-unsafe)
  EXPECT_EQ(run("echo \"${TIDEGATE_TEST_SERVER_SECRET-none} ${PATH:+path}\""), "none path\n");
  ::unsetenv("TIDEGATE_TEST_SERVER_SECRET");  // NOLINT(concurrency-mt-unsafe)
}

// A listening socket in a job would keep its address busy after the server is gone.
TEST_F(Shell, TheServersOwnDescriptorsAreNotTheJobs) {
  const sys::UniqueFd leak(::open("/dev/null", O_RDONLY));  // without close-on-exec, as some libraries do
  ASSERT_GE(leak.get(), 3);
  EXPECT_EQ(run(fmt::format("test -e /proc/$$/fd/{} && echo there || echo gone", leak.get())), "gone\n");
}

TEST_F(Shell, WhatItCannotDoIsSaid) {
  message_.image.emplace().name = "python:3.11";
  message_.services.emplace_back().name = "postgres:15";
  run("true");
  EXPECT_NE(said_.find("python:3.11 is not used"), std::string::npos) << said_;
  EXPECT_NE(said_.find("postgres:15 is not started"), std::string::npos) << said_;
}

TEST_F(Shell, VariablesTooLargeForTheSystemAreAClearError) {
  auto environment = executor_.prepare(message_, space_, [](std::string_view) {}, never_);
  ASSERT_TRUE(environment);
  const auto ended =
      (*environment)
          ->run(
              "true", {{"HUGE", std::string(1U << 20U, 'x')}}, Millis{1000}, [](std::string_view) {}, never_);
  ASSERT_FALSE(ended);
  EXPECT_EQ(ended.error().code, Errc::kInvalid);
}

TEST_F(Shell, LeftoversOfOneJobAreEndedAndNoOthers) {
  const pid_t of_42 = leave(prefix_ + "42");
  const pid_t of_421 = leave(prefix_ + "421");
  const pid_t of_another_runner = leave("TIDEGATE_JOB_0000000000000000_42");
  EXPECT_TRUE(executor_.remove_leftovers({JobId(42)}));
  EXPECT_TRUE(killed(of_42));
  EXPECT_FALSE(killed(of_421));
  EXPECT_TRUE(executor_.remove_leftovers({}));
  EXPECT_TRUE(killed(of_421));
  EXPECT_FALSE(killed(of_another_runner));
  ::kill(of_another_runner, SIGKILL);
  ::waitpid(of_another_runner, nullptr, 0);
}

}  // namespace
}  // namespace tidegate::shell
