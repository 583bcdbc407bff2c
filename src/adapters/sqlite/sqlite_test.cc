// The store on a real file: what it returned is there after reopening.
#include <gtest/gtest.h>

#include "adapters/sqlite/database.h"
#include "adapters/sqlite/message_json.h"
#include "adapters/sqlite/schema.h"
#include "adapters/sqlite/sqlite_store.h"
#include "adapters/sqlite/vault.h"
#include "sys/file.h"

namespace tidegate::sqlite {
namespace {

constexpr Instant kNow{Millis{1'800'000'000'000}};

class StoreTest : public testing::Test {
 protected:
  void SetUp() override { open(); }
  void open() {
    store_.reset();
    auto opened = open_store(directory_.path());
    ASSERT_TRUE(opened) << opened.error().message;
    store_ = std::move(*opened);
  }

  sys::TempDirectory directory_ = *sys::TempDirectory::make(std::filesystem::temp_directory_path(), "store-");
  std::unique_ptr<app::Store> store_;
};

app::Job job_named(const std::string& name, std::uint32_t stage) {
  app::Job job;
  job.state.name = name;
  job.state.stage = stage;
  job.state.needs = std::vector<std::string>{"build"};
  job.state.retry_codes = {3, 4};
  job.stage = "test";
  job.created_at = kNow;
  job.message.name = name;
  job.message.token = Secret("token-of-" + name);
  job.message.variables = {{"KEY", "value with 'quotes' and 한글", false, true, false, true}};
  job.message.steps = {{"script", {"echo hi", "true"}, Seconds{60}, "on_success", false}};
  job.message.image.emplace().name = "python:3.11";
  job.message.image->entrypoint = std::vector<std::string>{""};
  job.message.data = {{"training", "s3://b/k", "/x", "ab"}};
  return job;
}

TEST_F(StoreTest, PipelineAndJobsSurviveReopening) {
  const auto project = store_->add_project("team/coach", "main", kNow);
  ASSERT_TRUE(project);
  app::Pipeline record;
  record.project = project->id;
  record.ref = "main";
  record.stages = {"build", "test"};
  record.variables = {{"SECRET", "s3cret", false, true}};
  record.created_at = kNow;
  std::vector<app::Job> jobs{job_named("build", 0), job_named("test", 1)};
  const auto added = store_->add_pipeline(record, jobs);
  ASSERT_TRUE(added) << added.error().message;
  EXPECT_EQ(added->iid, 1);

  open();
  const auto again = store_->jobs(added->id);
  ASSERT_TRUE(again) << again.error().message;
  ASSERT_EQ(again->size(), 2U);
  const app::Job& test = again->at(1);
  EXPECT_EQ(test.state.needs, std::vector<std::string>{"build"});
  EXPECT_EQ(test.state.retry_codes, (std::vector<int>{3, 4}));
  EXPECT_EQ(encode_message(test.message), encode_message(jobs[1].message));
  EXPECT_EQ(store_->pipeline(added->id)->value().variables, record.variables);
  EXPECT_EQ(store_->job_by_token("token-of-test")->value().state.id, test.state.id);
  EXPECT_FALSE(store_->job_by_token("")->has_value());
}

app::Job bridge_named(const std::string& name) {
  app::Job job = job_named(name, 0);
  job.state.bridge = pipeline::BridgeKind::kChild;
  job.state.strategy = config::TriggerStrategy::kMirror;
  job.state.linked = true;
  pipeline::Bridge bridge;
  bridge.include = "include: child.yml\n";
  bridge.inputs = "a: 1\n";
  bridge.project = "g/p";
  bridge.branch = "main";
  bridge.strategy = config::TriggerStrategy::kMirror;
  bridge.variables = {{.key = "A", .value = "a secret word", .raw = true}};
  bridge.forward_pipeline_variables = true;
  bridge.place = {".gitlab-ci.yml", 3, 5};
  job.bridge = bridge;
  return job;
}

TEST_F(StoreTest, PipelinesThatStartPipelines) {
  const auto project = store_->add_project("team/coach", "main", kNow);
  ASSERT_TRUE(project);
  app::Pipeline parent;
  parent.project = project->id;
  parent.source = "push";
  parent.created_at = kNow;
  std::vector<app::Job> jobs{bridge_named("ship")};
  const auto above = store_->add_pipeline(parent, jobs);
  ASSERT_TRUE(above) << above.error().message;
  app::Pipeline child = parent;
  child.source = "parent_pipeline";
  child.upstream = above->id;
  child.bridge = jobs[0].state.id;
  std::vector<app::Job> none;
  const auto below = store_->add_pipeline(child, none);
  ASSERT_TRUE(below) << below.error().message;
  EXPECT_TRUE(store_->followers(below->id)->empty());
  jobs[0].downstream = below->id;
  ASSERT_TRUE(store_->save_job(jobs[0]));

  open();
  const app::Job again = store_->jobs(above->id)->at(0);
  EXPECT_EQ(again.bridge, jobs[0].bridge);
  EXPECT_EQ(again.state, jobs[0].state);
  EXPECT_EQ(again.downstream, below->id);
  EXPECT_EQ(store_->downstream_of(above->id)->at(0).bridge, jobs[0].state.id);
  EXPECT_TRUE(store_->downstream_of(below->id)->empty());
  EXPECT_TRUE(store_->downstream_of(PipelineId{})->empty());
  EXPECT_EQ(store_->followers(below->id)->at(0).state.name, "ship");
  EXPECT_EQ(store_->pipelines(project->id, {}, 10, 0)->size(), 1U) << "children are not listed";
  EXPECT_EQ(*store_->count_pipelines(project->id, {}), 1);
  app::PipelineFilter children;
  children.source = "parent_pipeline";
  EXPECT_EQ(store_->pipelines(project->id, children, 10, 0)->at(0).id, below->id);
}

TEST_F(StoreTest, SecretsAreNotReadableInTheFile) {
  const auto project = store_->add_project("team/coach", "main", kNow);
  ASSERT_TRUE(store_->set_variable(project->id, {"PASSWORD", "very-secret-indeed", true}));
  store_.reset();
  const auto bytes = sys::read_file(directory_.path() / "tidegate.db");
  ASSERT_TRUE(bytes);
  EXPECT_EQ(bytes->find("very-secret-indeed"), std::string::npos);
  open();
  EXPECT_EQ(store_->variables(project->id)->at(0).value, "very-secret-indeed");
}

TEST_F(StoreTest, ATransactionThatFailsLeavesNothing) {
  const Status status = store_->transaction([&]() -> Status {
    EXPECT_TRUE(store_->add_project("team/a", "main", kNow));
    return fail(Errc::kInvalid, "no");
  });
  EXPECT_EQ(status.error().message, "no");
  EXPECT_TRUE(store_->projects()->empty());
}

TEST_F(StoreTest, ASecondServerIsRefused) {
  const auto second = open_store(directory_.path());
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Errc::kEnvironment) << second.error().message;
}

TEST_F(StoreTest, VersionsCountWithinTheirSourceAndUnfinishedOnesAreFound) {
  const auto project = store_->add_project("team/coach", "main", kNow);
  app::Version version;
  version.project = project->id;
  version.source = "training";
  version.key = "training/a b+'$(x)'\n한글.jsonl";
  version.created_at = version.due_at = kNow;
  const auto first = store_->add_version(version);
  auto second = store_->add_version(version);
  ASSERT_TRUE(first && second);
  EXPECT_EQ(second->number, 2);
  second->state = app::VersionState::kLive;
  ASSERT_TRUE(store_->save_version(*second));
  open();
  const auto unfinished = store_->unfinished_versions();
  ASSERT_EQ(unfinished->size(), 1U);
  EXPECT_EQ(unfinished->front().key, version.key);
  EXPECT_EQ(store_->version_of_object(project->id, "training", version.key, "")->value().id, second->id);
}

TEST_F(StoreTest, ResourceGroupsAndAutoCancelAreKept) {
  const auto project = store_->add_project("team/coach", "main", kNow);
  ASSERT_TRUE(store_->add_resource_group(project->id, "b"));
  ASSERT_TRUE(store_->set_process_mode(project->id, "b", pipeline::ProcessMode::kNewestFirst));
  ASSERT_TRUE(store_->add_resource_group(project->id, "b"));  // known already: its mode stays
  ASSERT_TRUE(store_->add_resource_group(project->id, "a/x"));
  app::Pipeline pipeline;
  pipeline.project = project->id;
  pipeline.on_new_commit = config::OnNewCommit::kNone;
  pipeline.on_job_failure = config::OnJobFailure::kAll;
  std::vector<app::Job> jobs(1);
  jobs[0].state.interruptible = true;
  jobs[0].state.resource_group = "b";
  const auto stored = store_->add_pipeline(pipeline, jobs);
  ASSERT_TRUE(stored);
  open();
  const auto groups = store_->resource_groups(project->id);
  ASSERT_EQ(groups->size(), 2U);
  EXPECT_EQ(groups->at(0).key, "a/x");
  EXPECT_EQ(groups->at(1).mode, pipeline::ProcessMode::kNewestFirst);
  const auto read = store_->pipeline(stored->id).value().value();
  EXPECT_EQ(read.on_new_commit, config::OnNewCommit::kNone);
  EXPECT_EQ(read.on_job_failure, config::OnJobFailure::kAll);
  EXPECT_EQ(store_->jobs(stored->id)->at(0).state, jobs[0].state);
}

TEST_F(StoreTest, AnIdenticalEventIsSeenAgain) {
  const auto project = store_->add_project("team/coach", "main", kNow);
  app::EventRecord event;
  event.project = project->id;
  event.source = "training";
  event.identity = "abc";
  const auto id = store_->add_event(event);
  ASSERT_TRUE(id);
  EXPECT_FALSE(*store_->event_seen(project->id, "training", "abc")) << "nothing has come of it";
  ASSERT_TRUE(store_->set_event_version(*id, VersionId{1}));
  EXPECT_TRUE(*store_->event_seen(project->id, "training", "abc"));
  EXPECT_FALSE(*store_->event_seen(project->id, "curriculum", "abc"));
}

TEST(VaultTest, AlteredTextIsRefused) {
  const auto directory = sys::TempDirectory::make(std::filesystem::temp_directory_path(), "vault-");
  const auto vault = Vault::open(directory->path() / "key");
  ASSERT_TRUE(vault);
  std::string sealed = vault->seal("hello");
  EXPECT_EQ(vault->unseal(sealed).value(), "hello");
  sealed[10] = sealed[10] == 'A' ? 'B' : 'A';
  EXPECT_FALSE(vault->unseal(sealed));
  EXPECT_FALSE(vault->unseal("v1:AAAA"));
  const auto other = Vault::open(directory->path() / "other");
  EXPECT_FALSE(other->unseal(vault->seal("hello")));
}

TEST(SchemaTest, ANewerDatabaseIsRefused) {
  const auto directory = sys::TempDirectory::make(std::filesystem::temp_directory_path(), "schema-");
  auto database = Database::open(directory->path() / "db");
  ASSERT_TRUE(database);
  ASSERT_TRUE(database->script("PRAGMA user_version=999"));
  EXPECT_EQ(migrate(*database).error().code, Errc::kEnvironment);
}

}  // namespace
}  // namespace tidegate::sqlite
