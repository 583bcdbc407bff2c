// Environments, releases, job options and expired artifacts on a real file.
#include <gtest/gtest.h>

#include "adapters/sqlite/database.h"
#include "adapters/sqlite/schema.h"
#include "adapters/sqlite/sqlite_store.h"
#include "sys/file.h"

namespace tidegate::sqlite {
namespace {

constexpr Instant kMorning{Millis{1'800'000'000'000}};

class EnvironmentsTest : public testing::Test {
 protected:
  void SetUp() override {
    open();
    project_ = store_->add_project("team/coach", "main", kMorning)->id;
  }
  void open() {
    store_.reset();
    auto opened = open_store(directory_.path());
    ASSERT_TRUE(opened) << opened.error().message;
    store_ = std::move(*opened);
  }
  /// A pipeline with one job that has an artifact which expires in a second.
  JobId run(const std::string& ref, pipeline::JobStatus status) {
    app::Pipeline record;
    record.project = project_;
    record.ref = ref;
    record.status = status;
    app::Job job;
    job.message.token = Secret(ref + std::to_string(++number_));
    std::vector<app::Job> jobs{job};
    const auto added = store_->add_pipeline(record, jobs);
    EXPECT_TRUE(added) << added.error().message;
    app::Artifact artifact;
    artifact.job = jobs[0].state.id;
    artifact.type = "archive";
    artifact.file = "/x/" + std::to_string(number_);
    artifact.expire_at = kMorning + Millis{1000};
    EXPECT_TRUE(store_->add_artifact(artifact));
    return jobs[0].state.id;
  }
  std::vector<std::string> expired(Instant now) {
    std::vector<std::string> out;
    for (const auto& artifact : *store_->expired_artifacts(now, 100)) out.push_back(artifact.file);
    return out;
  }

  sys::TempDirectory directory_ = *sys::TempDirectory::make(std::filesystem::temp_directory_path(), "store-");
  std::unique_ptr<app::Store> store_;
  ProjectId project_;
  int number_ = 0;
};

TEST_F(EnvironmentsTest, ArtifactsOfTheNewestSuccessOnARefAreKept) {
  using Files = std::vector<std::string>;
  run("main", pipeline::JobStatus::kSuccess);    // 1
  run("main", pipeline::JobStatus::kFailed);     // 2
  run("main", pipeline::JobStatus::kSuccess);    // 3
  run("main", pipeline::JobStatus::kFailed);     // 4
  run("branch", pipeline::JobStatus::kSuccess);  // 5
  run("gone", pipeline::JobStatus::kSuccess);    // 6
  ASSERT_TRUE(store_->set_known_ref(project_, "refs/heads/main", "abc"));
  ASSERT_TRUE(store_->set_known_ref(project_, "refs/heads/branch", "abc"));
  EXPECT_EQ(expired(kMorning), Files{});
  const Instant later = kMorning + Millis{2000};
  EXPECT_EQ(expired(later), (Files{"/x/1", "/x/2", "/x/6"}));
  for (const auto& artifact : *store_->expired_artifacts(later, 1))
    ASSERT_TRUE(store_->remove_artifact(artifact.id));
  EXPECT_EQ(expired(later), (Files{"/x/2", "/x/6"}));
}

TEST_F(EnvironmentsTest, OptionsOfAJobSurviveReopening) {
  app::Pipeline record;
  record.project = project_;
  record.ref = "main";
  app::Job job;
  job.message.token = Secret("t");
  job.options.coverage = "\\d+%";
  job.options.id_tokens = {{"T", {"a", "b"}}};
  job.options.manual_confirmation = "sure?";
  job.options.artifacts_access = "none";
  job.environment.emplace();
  job.environment->name = "review/x";
  job.environment->auto_stop_in = "1 day";
  job.message.hooks = {{"pre_get_sources_script", {"echo"}}};
  job.message.secrets = {{"S", "vault", false}};
  job.message.may_have_secrets = false;
  job.message.release.emplace().tag_name = "v1";
  job.message.release->links = {{"n", "u", "/f", "image"}};
  std::vector<app::Job> jobs{job};
  ASSERT_TRUE(store_->add_pipeline(record, jobs));
  jobs[0].coverage = 87.5;
  ASSERT_TRUE(store_->save_job(jobs[0]));
  open();
  const auto again = store_->job(jobs[0].state.id);
  ASSERT_TRUE(again && *again);
  EXPECT_EQ((*again)->options, job.options);
  EXPECT_EQ((*again)->environment->auto_stop_in, "1 day");
  EXPECT_EQ((*again)->coverage, 87.5);
  EXPECT_EQ((*again)->message.release, job.message.release);
  EXPECT_EQ((*again)->message.hooks.at(0).script, job.message.hooks[0].script);
  EXPECT_EQ((*again)->message.secrets.at(0).provider, "vault");
  EXPECT_FALSE((*again)->message.may_have_secrets);
}

TEST_F(EnvironmentsTest, AnEnvironmentIsOneByItsName) {
  app::EnvironmentRecord review;
  review.project = project_;
  review.name = "review/x";
  review.created_at = review.updated_at = kMorning;
  review.auto_stop_at = kMorning + Millis{1000};
  const auto added = store_->put_environment(review);
  ASSERT_TRUE(added) << added.error().message;
  review.url = "https://x";
  review.created_at = kMorning + Millis{5000};
  const auto again = store_->put_environment(review);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->id, added->id);
  EXPECT_EQ(again->created_at, kMorning);
  EXPECT_EQ(store_->environments(project_)->size(), 1U);
  EXPECT_EQ(store_->environment(project_, "review/x")->value().url, "https://x");
  EXPECT_EQ(store_->overdue_environments(kMorning)->size(), 0U);
  EXPECT_EQ(store_->overdue_environments(kMorning + Millis{1000})->size(), 1U);
  app::DeploymentRecord deployment;
  deployment.environment = added->id;
  deployment.project = project_;
  deployment.job = JobId{7};
  deployment.status = "running";
  ASSERT_TRUE(store_->put_deployment(deployment));
  deployment.status = "success";
  ASSERT_TRUE(store_->put_deployment(deployment));
  const auto listed = store_->deployments(project_, added->id, 10);
  ASSERT_EQ(listed->size(), 1U);
  EXPECT_EQ(listed->at(0).status, "success");
  EXPECT_EQ(store_->deployments(project_, 99, 10)->size(), 0U);
  ASSERT_TRUE(store_->remove_environment(added->id));
  EXPECT_TRUE(store_->environments(project_)->empty());
  EXPECT_TRUE(store_->deployments(project_, 0, 10)->empty());
}

TEST_F(EnvironmentsTest, AReleaseIsOneByItsTag) {
  app::ReleaseRecord release;
  release.project = project_;
  release.release.tag_name = "v1";
  release.release.description = "d";
  release.job = JobId{1};
  release.released_at = kMorning;
  ASSERT_TRUE(store_->add_release(release));
  ASSERT_TRUE(store_->add_release(release)) << "the same job again";
  release.job = JobId{2};
  EXPECT_EQ(store_->add_release(release).error().code, Errc::kConflict);
  release.release.tag_name = "v2";
  release.released_at = kMorning + Millis{1};
  ASSERT_TRUE(store_->add_release(release));
  open();
  const auto listed = store_->releases(project_);
  ASSERT_EQ(listed->size(), 2U);
  EXPECT_EQ(listed->at(0).release.tag_name, "v2");
  EXPECT_EQ(listed->at(1).release.description, "d");
}

TEST(Migration, ADatabaseOfTheFirstStepIsBroughtUp) {
  const auto directory = *sys::TempDirectory::make(std::filesystem::temp_directory_path(), "store-");
  {
    auto database = Database::open(directory.path() / "tidegate.db");
    ASSERT_TRUE(database);
    ASSERT_TRUE(migrate(*database));
    // Back to what the first version had.
    ASSERT_TRUE(database->script(
        "DROP TABLE deployments; DROP TABLE environments; DROP TABLE releases;"
        "DROP INDEX artifacts_expire; DROP INDEX pipelines_ref;"
        "ALTER TABLE jobs DROP COLUMN sealed_options;"
        "ALTER TABLE jobs DROP COLUMN coverage; DROP TABLE resource_groups;"
        "ALTER TABLE pipelines DROP COLUMN on_new_commit;"
        "ALTER TABLE pipelines DROP COLUMN on_job_failure;"
        "DROP INDEX pipelines_upstream; DROP INDEX jobs_downstream;"
        "ALTER TABLE pipelines DROP COLUMN upstream; ALTER TABLE pipelines DROP COLUMN bridge;"
        "ALTER TABLE jobs DROP COLUMN sealed_bridge;"
        "ALTER TABLE jobs DROP COLUMN downstream; DROP TABLE members; DROP TABLE data_actions;"
        "DROP TABLE listings; DROP INDEX versions_became; DROP INDEX versions_waiting;"
        "DROP INDEX versions_live; DROP INDEX versions_unfinished; ALTER TABLE versions DROP COLUMN is_set;"
        "ALTER TABLE versions DROP COLUMN by_hand; ALTER TABLE versions DROP COLUMN because;"
        "ALTER TABLE versions DROP COLUMN became; PRAGMA user_version=1;"));
  }
  auto store = open_store(directory.path());
  ASSERT_TRUE(store) << store.error().message;
  EXPECT_TRUE((*store)->environments(ProjectId{1})->empty());
}

}  // namespace
}  // namespace tidegate::sqlite
