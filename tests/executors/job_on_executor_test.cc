// Whole jobs, from message to outcome, on real executors: what the runner and an executor must do together.
// The Docker part needs TIDEGATE_DOCKER_SOCKET and debian:bookworm-slim; skipped without the socket.
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include <gtest/gtest.h>

#include "adapters/docker/docker_executor.h"
#include "adapters/shell/shell_executor.h"
#include "app/runner/archive.h"
#include "app/runner/run_job.h"
#include "base/sha256.h"
#include "sys/file.h"

namespace tidegate {
namespace {

namespace fs = std::filesystem;

class SystemClock : public Clock {
 public:
  Instant now() const override {
    return std::chrono::time_point_cast<Millis>(std::chrono::system_clock::now());
  }
};

class Io : public app::JobIo {
 public:
  Status append_trace(std::string_view bytes) override {
    trace += bytes;
    if (cancel_on && trace.find(cancel_word) != std::string::npos) cancel_on->request_stop();
    return {};
  }
  Status get_sources(const pipeline::JobMessage&, const fs::path& into) override {
    return sys::write_file(into / "train.py", "print('hello')\n");
  }
  Status download_artifacts(const pipeline::JobDependency&, const fs::path&) override {
    return fail(Errc::kNotFound, "none");
  }
  Status upload_artifacts(const pipeline::JobArtifacts& artifacts, const fs::path& file,
                          const std::string&) override {
    uploads[artifacts.type] = sys::read_file(file).value_or("");
    return {};
  }

  std::string trace;
  std::map<std::string, std::string> uploads;
  std::string cancel_word;
  sys::StopFlag* cancel_on = nullptr;
};

class JobOnExecutor : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    const std::string runner = "job-test-" + random_hex(6);
    if (GetParam() == "docker") {
      const char* socket = std::getenv("TIDEGATE_DOCKER_SOCKET");
      if (socket == nullptr)
        GTEST_SKIP() << "TIDEGATE_DOCKER_SOCKET is not set: no Docker Engine to test with";
      docker::DockerSettings settings;
      settings.socket = socket;
      settings.runner = runner;
      settings.grace = Millis{1500};
      executor_ = std::make_unique<docker::DockerExecutor>(settings);
    } else {
      executor_ = std::make_unique<shell::ShellExecutor>(
          shell::ShellSettings{.runner = runner, .grace = Millis{1500}});
    }
    auto made = sys::TempDirectory::make(fs::temp_directory_path(), "job-");
    ASSERT_TRUE(made);
    folder_.emplace(std::move(*made));
    settings_.work_directory = folder_->path() / "work";
    message_.id = JobId(11);
    message_.name = "train";
    message_.project_path = "group/name";
    message_.git.sha = "0123456789";
    message_.image.emplace().name = "debian:bookworm-slim";
  }

  void script(std::vector<std::string> lines, std::vector<std::string> after = {}) {
    message_.steps = {{.name = "script", .script = std::move(lines)}};
    if (!after.empty())
      message_.steps.push_back({.name = "after_script", .script = std::move(after), .when = "always"});
  }
  app::JobOutcome run() { return app::run_job(message_, settings_, *executor_, io_, clock_, cancel_); }
  bool logged(std::string_view text) const { return io_.trace.find(text) != std::string::npos; }

  std::unique_ptr<app::Executor> executor_;
  std::optional<sys::TempDirectory> folder_;
  app::RunnerSettings settings_;
  pipeline::JobMessage message_;
  Io io_;
  SystemClock clock_;
  sys::StopFlag cancel_;
};

TEST_P(JobOnExecutor, AGoodJobTrainsOnItsDataAndKeepsItsArtifacts) {
  const fs::path object = folder_->path() / "object";
  ASSERT_TRUE(sys::write_file(object, "one\ntwo\n"));
  message_.data = {{"training", "s3://b/새 파일.jsonl", object.native(), sha256_hex("one\ntwo\n")}};
  message_.variables = {{.key = "TOKEN", .value = "s3cret-s3cret", .masked = true},
                        {.key = "KEY_FILE", .value = "key text\n", .file = true}};
  pipeline::JobArtifacts& artifacts = message_.artifacts.emplace_back();
  artifacts.paths = {"out/"};
  script({"test -f train.py", "mkdir out && wc -l < \"$TIDEGATE_DATA_TRAINING\" > out/lines",
          "echo the token is $TOKEN", "cat \"$KEY_FILE\"", "echo $CI_JOB_STATUS in $CI_PROJECT_DIR; pwd"},
         {"echo after: $CI_JOB_STATUS; ls out"});
  const app::JobOutcome outcome = run();
  EXPECT_TRUE(outcome.success) << outcome.message << "\n" << io_.trace;
  EXPECT_TRUE(logged("\x1b[32;1m$ test -f train.py\x1b[0;m\n"));
  EXPECT_TRUE(logged("the token is [MASKED]\n"));
  EXPECT_FALSE(logged("s3cret"));
  EXPECT_TRUE(logged("key text\n"));
  EXPECT_TRUE(logged("after: success\nlines\n"));
  EXPECT_TRUE(logged("Job succeeded"));
  ASSERT_TRUE(io_.uploads.contains("archive"));
  const fs::path archive = folder_->path() / "a.zip";
  fs::create_directories(folder_->path() / "out");
  ASSERT_TRUE(sys::write_file(archive, io_.uploads["archive"]));
  ASSERT_TRUE(app::unpack_archive(archive, folder_->path() / "out", 1U << 20U));
  EXPECT_EQ(sys::read_file(folder_->path() / "out/out/lines").value_or(""), "2\n");
  EXPECT_EQ(sys::read_file(object).value_or(""), "one\ntwo\n");
  EXPECT_FALSE(fs::exists(settings_.work_directory / "job-11"));
}

TEST_P(JobOnExecutor, AJobThatFailsStopsAtTheLineThatFailed) {
  script({"echo first", "sh -c 'exit 6'", "echo never"}, {"echo cleaned up after $CI_JOB_STATUS"});
  const app::JobOutcome outcome = run();
  EXPECT_EQ(outcome.failure_reason, "script_failure");
  EXPECT_EQ(outcome.exit_code, 6);
  EXPECT_TRUE(logged("first\n"));
  EXPECT_FALSE(logged("echo never"));
  EXPECT_TRUE(logged("cleaned up after failed\n"));
  EXPECT_TRUE(logged("ERROR: Job failed: exit code 6"));
}

TEST_P(JobOnExecutor, ACanceledJobCleansUp) {
  io_.cancel_word = "training...";
  io_.cancel_on = &cancel_;
  script({"echo 'training...'; sleep 600"}, {"echo cleaned up after $CI_JOB_STATUS"});
  const app::JobOutcome outcome = run();
  EXPECT_TRUE(outcome.canceled) << io_.trace;
  EXPECT_TRUE(logged("cleaned up after canceled\n")) << io_.trace;
}

TEST_P(JobOnExecutor, AJobThatTakesTooLongIsEnded) {
  message_.timeout = Seconds{3};
  script({"echo begins; sleep 600"}, {"echo cleaned up after $CI_JOB_STATUS"});
  const app::JobOutcome outcome = run();
  EXPECT_EQ(outcome.failure_reason, "job_execution_timeout") << io_.trace;
  EXPECT_TRUE(logged("cleaned up after failed\n")) << io_.trace;
}

INSTANTIATE_TEST_SUITE_P(Executors, JobOnExecutor, testing::Values("shell", "docker"),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace tidegate
