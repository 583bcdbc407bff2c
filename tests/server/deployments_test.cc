// Environments and expired artifacts, on a real database.
#include "app/server/deployments.h"

#include <gtest/gtest.h>

#include "adapters/sqlite/sqlite_store.h"
#include "app/server/artifact_sweep.h"
#include "sys/file.h"

namespace tidegate::app {
namespace {

using pipeline::JobStatus;

constexpr Instant kNow{Millis{1'800'000'000'000}};

class Deployments : public testing::Test {
 protected:
  void SetUp() override {
    auto opened = sqlite::open_store(directory_.path());
    ASSERT_TRUE(opened) << opened.error().message;
    store_ = std::move(*opened);
    pipeline_.project = store_->add_project("team/coach", "main", kNow)->id;
    pipeline_.ref = "main";
    pipeline_.sha = "abc";
  }
  /// A stored job for the environment "review/x" with this action.
  Job job(const std::string& action) {
    Job out;
    out.state.name = action;
    out.message.token = Secret(action + std::to_string(++number_));
    out.started_at = kNow;
    auto& environment = out.environment.emplace();
    environment.name = "review/x";
    environment.action = action == "start" ? "" : action;
    std::vector<Job> jobs{out};
    auto added = store_->add_pipeline(pipeline_, jobs);
    EXPECT_TRUE(added) << added.error().message;
    if (added) pipeline_ = *added;
    return jobs[0];
  }
  void becomes(Job& job, JobStatus status, Instant now = kNow) {
    job.state.status = status;
    const Status recorded = record_deployment(*store_, job, pipeline_, now);
    ASSERT_TRUE(recorded) << recorded.error().message;
  }
  EnvironmentRecord environment() {
    const auto found = store_->environment(pipeline_.project, "review/x");
    EXPECT_TRUE(found && *found);
    return found && *found ? **found : EnvironmentRecord();
  }
  std::string deployment_status() {
    const auto all = store_->deployments(pipeline_.project, 0, 1);
    return all->empty() ? "(none)" : all->front().status;
  }

  sys::TempDirectory directory_ =
      *sys::TempDirectory::make(std::filesystem::temp_directory_path(), "server-");
  std::unique_ptr<Store> store_;
  Pipeline pipeline_;
  int number_ = 0;
};

TEST_F(Deployments, AStartMakesTheEnvironmentAvailable) {
  Job start = job("start");
  start.environment->url = "https://$HOST/x";
  start.environment->on_stop = "stop";
  start.environment->auto_stop_in = "1 day";
  start.message.variables = {{.key = "HOST", .value = "example.com"}};
  becomes(start, JobStatus::kRunning);
  EXPECT_EQ(deployment_status(), "running");
  EXPECT_EQ(environment().url, "") << "not yet";
  becomes(start, JobStatus::kSuccess);
  becomes(start, JobStatus::kSuccess);
  EXPECT_EQ(store_->deployments(pipeline_.project, 0, 10)->size(), 1U);
  const EnvironmentRecord record = environment();
  EXPECT_EQ(record.state + " " + record.url + " " + record.tier,
            "available https://example.com/x development");
  EXPECT_EQ(record.on_stop, "stop");
  EXPECT_EQ(record.last_job, start.state.id);
  EXPECT_EQ(record.auto_stop_at, kNow + Millis{86'400'000});
  EXPECT_EQ(deployment_status(), "success");
}

TEST_F(Deployments, OtherActionsDeployNothing) {
  Job verify = job("verify");
  verify.environment->auto_stop_in = "1 hour";
  becomes(verify, JobStatus::kSuccess);
  EXPECT_FALSE(environment().auto_stop_at);
  Job access = job("access");
  access.environment->auto_stop_in = "1 hour";
  becomes(access, JobStatus::kSuccess, kNow + Millis{1000});
  EXPECT_EQ(environment().auto_stop_at, kNow + Millis{3'601'000});
  access.environment->auto_stop_in = "never";
  becomes(access, JobStatus::kSuccess);
  EXPECT_FALSE(environment().auto_stop_at);
  EXPECT_EQ(deployment_status(), "(none)");
}

TEST_F(Deployments, AStopThatFailsCanBeTriedAgain) {
  Job none = job("stop");
  becomes(none, JobStatus::kSuccess);
  EXPECT_TRUE(store_->environments(pipeline_.project)->empty()) << "nothing to stop";
  Job start = job("start");
  becomes(start, JobStatus::kSuccess);
  Job stop = job("stop");
  becomes(stop, JobStatus::kRunning);
  EXPECT_EQ(environment().state, "stopping");
  becomes(stop, JobStatus::kFailed);
  EXPECT_EQ(environment().state, "available");
  becomes(stop, JobStatus::kSuccess);
  EXPECT_EQ(environment().state, "stopped");
}

TEST_F(Deployments, WhatFailedOrNeverRanDeploysNothing) {
  Job start = job("start");
  becomes(start, JobStatus::kFailed);
  EXPECT_EQ(deployment_status(), "failed");
  Job never = job("start");
  never.started_at.reset();
  becomes(never, JobStatus::kCanceled);
  EXPECT_EQ(store_->deployments(pipeline_.project, 0, 10)->size(), 1U);
}

TEST_F(Deployments, ExpiredArtifactsGoFromTheDisk) {
  ASSERT_TRUE(store_->set_known_ref(pipeline_.project, "refs/heads/main", "abc"));
  std::vector<std::filesystem::path> files;
  for (int i = 0; i < 2; ++i) {
    pipeline_.status = JobStatus::kSuccess;
    const Job made = job("start");
    files.push_back(directory_.path() / std::to_string(i) / "archive-artifacts.zip");
    ASSERT_TRUE(sys::make_directories(files.back().parent_path()));
    ASSERT_TRUE(sys::write_file(files.back(), "zip"));
    Artifact artifact;
    artifact.job = made.state.id;
    artifact.type = "archive";
    artifact.file = files.back().string();
    artifact.expire_at = kNow;
    ASSERT_TRUE(store_->add_artifact(artifact));
  }
  EXPECT_EQ(*sweep_artifacts(*store_, kNow, 10), 0U);
  EXPECT_EQ(*sweep_artifacts(*store_, kNow + Millis{1}, 10), 1U);
  EXPECT_FALSE(std::filesystem::exists(files[0].parent_path()));
  EXPECT_TRUE(std::filesystem::exists(files[1])) << "of the newest pipeline that succeeded";
  EXPECT_EQ(*sweep_artifacts(*store_, kNow + Millis{1}, 10), 0U);
}

TEST_F(Deployments, AFileThatIsGoneAlreadyIsNoFault) {
  const Job made = job("start");
  Artifact artifact;
  artifact.job = made.state.id;
  artifact.file = (directory_.path() / "none" / "x").string();
  artifact.expire_at = kNow;
  ASSERT_TRUE(store_->add_artifact(artifact));
  EXPECT_EQ(*sweep_artifacts(*store_, kNow + Millis{1}, 10), 1U) << "the ref is gone";
}

}  // namespace
}  // namespace tidegate::app
