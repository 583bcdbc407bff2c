// The chain on a real file: nothing in it changes, and everything that a record names finds it.
#include <gtest/gtest.h>

#include "adapters/sqlite/database.h"
#include "adapters/sqlite/sqlite_store.h"
#include "lineage/record.h"
#include "sys/file.h"

namespace tidegate::sqlite {
namespace {

constexpr Instant kWhen{Millis{1'800'000'000'000}};

class LineageStoreTest : public testing::Test {
 protected:
  void SetUp() override { open(); }
  void open() {
    store_.reset();
    auto opened = open_store(directory_.path());
    ASSERT_TRUE(opened) << opened.error().message;
    store_ = std::move(*opened);
    const auto known = store_->project_by_path("team/coach");
    project_ = known->has_value() ? (*known)->id : store_->add_project("team/coach", "main", kWhen)->id;
  }
  lineage::Entry add(const std::string& commit, std::int64_t pipeline) {
    lineage::Record record;
    record.at = kWhen;
    record.commit = commit;
    if (pipeline != 0) record.pipeline.emplace().id = pipeline;
    const auto entry = lineage::chained(*store_->lineage_head(project_), record, PipelineId{pipeline}, {});
    const Status added = store_->add_lineage(project_, entry, lineage::names_of(record));
    EXPECT_TRUE(added) << added.error().message;
    return entry;
  }

  sys::TempDirectory directory_ = *sys::TempDirectory::make(std::filesystem::temp_directory_path(), "store-");
  std::unique_ptr<app::Store> store_;
  ProjectId project_;
};

TEST_F(LineageStoreTest, TheChainSurvivesReopening) {
  EXPECT_EQ(*store_->lineage_head(project_), lineage::Link{});
  const auto first = add("aaaaaaaaaa", 1);
  const auto second = add("bbbbbbbbbb", 0);
  open();
  EXPECT_EQ(*store_->lineage_head(project_), second.link);
  EXPECT_EQ(*store_->lineage_after(project_, 0, 10), (std::vector{first, second}));
  EXPECT_EQ(*store_->lineage_after(project_, 0, 1), std::vector{first});
  EXPECT_EQ(*store_->lineage_after(project_, 1, 10), std::vector{second});
  EXPECT_EQ(*store_->lineage_of(project_, PipelineId{1}), std::vector{first});
  EXPECT_TRUE(store_->lineage_of(project_, PipelineId{})->empty());
  EXPECT_EQ(store_->add_lineage(project_, second, {}).error().code, Errc::kConflict);
}

TEST_F(LineageStoreTest, NothingChangesARecord) {
  const auto entry = add("aaaaaaaaaa", 1);
  store_.reset();
  auto database = Database::open(directory_.path() / "tidegate.db");
  ASSERT_TRUE(database);
  EXPECT_FALSE(database->run("UPDATE lineage SET body='{}'"));
  EXPECT_FALSE(database->run("DELETE FROM lineage"));
  database = fail(Errc::kCanceled, "closed");
  open();
  EXPECT_EQ(*store_->lineage_after(project_, 0, 10), std::vector{entry});
}

TEST_F(LineageStoreTest, ADigestIsFoundByItsFirstSevenDigits) {
  const auto entry = add("0123456789abcdef", 7);
  const auto other = add("0123457777777777", 8);
  EXPECT_EQ(*store_->lineage_named(project_, "0123456"), std::vector{entry});
  EXPECT_EQ(*store_->lineage_named(project_, "0123456789abcdef"), std::vector{entry});
  EXPECT_EQ(*store_->lineage_named(project_, "#8"), std::vector{other});
  for (const char* none : {"", "012345", "0123456789abcdef0", "#", "#9", "123456789abcdef", "0123456f"}) {
    EXPECT_TRUE(store_->lineage_named(project_, none)->empty()) << none;
  }
}

TEST_F(LineageStoreTest, TrainingRunsAndAliases) {
  const app::TrainingRun run{"r1", "4", "release-1-training", "id-1", false, kWhen};
  ASSERT_TRUE(store_->put_training_run(project_, run));
  app::TrainingRun told = run;
  told.input_logged = true;
  ASSERT_TRUE(store_->put_training_run(project_, told));
  EXPECT_EQ(*store_->training_runs(project_, "id-1"), std::vector{told});
  EXPECT_TRUE(store_->training_runs(project_, "id-2")->empty());
  EXPECT_EQ(*store_->model_aliases(project_, "training", "coach"), app::ModelAliases{});
  ASSERT_TRUE(store_->put_model_aliases(project_, "training", "coach", {"4", "3"}));
  ASSERT_TRUE(store_->put_model_aliases(project_, "training", "coach", {"5", "4"}));
  EXPECT_EQ(*store_->model_aliases(project_, "training", "coach"), (app::ModelAliases{"5", "4"}));
}

}  // namespace
}  // namespace tidegate::sqlite
