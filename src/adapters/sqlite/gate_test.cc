// What the gate remembers, on a real file.
#include <gtest/gtest.h>

#include "adapters/sqlite/sqlite_store.h"
#include "sys/file.h"

namespace tidegate::sqlite {
namespace {

constexpr Instant kDawn{Millis{1'800'000'000'000}};

class GateStore : public testing::Test {
 protected:
  void SetUp() override {
    open();
    project_ = store_->add_project("team/coach", "main", kDawn)->id;
  }
  void open() {
    store_.reset();
    auto opened = open_store(directory_.path());
    ASSERT_TRUE(opened) << opened.error().message;
    store_ = std::move(*opened);
  }
  app::GateRecord fresh(const std::string& sha256 = "aa") {
    app::Version version;
    version.project = project_;
    version.source = "training";
    version.created_at = version.due_at = kDawn;
    app::GateRecord out;
    out.version = store_->add_version(version)->id;
    out.project = project_;
    out.source = "training";
    out.sha256 = sha256;
    return out;
  }

  sys::TempDirectory directory_ = *sys::TempDirectory::make(std::filesystem::temp_directory_path(), "store-");
  std::unique_ptr<app::Store> store_;
  ProjectId project_;
};

TEST_F(GateStore, EverythingComesBackAfterARestart) {
  app::GateRecord record = fresh();
  EXPECT_FALSE(*store_->gate_record(record.version));
  record.ended = PipelineId{7};
  record.overtaken = true;
  record.ended_why = "why";
  record.diagnosed_at = kDawn;
  record.old_code = dataset::OldCode::kOlder;
  record.old_code_sha = "c0de";
  record.probes[1] = {PipelineId{9}, dataset::ProbeResult::kCannotTell, "no"};
  record.verdict = "bad data";
  record.verdict_reason = "because";
  record.quarantined = true;
  record.base_sha = "ba5e";
  ASSERT_TRUE(store_->put_gate_record(record));
  ASSERT_TRUE(store_->put_gate_record(record));  // twice is once
  open();
  const auto back = *store_->gate_record(record.version);
  ASSERT_TRUE(back);
  EXPECT_EQ(back->ended, PipelineId{7});
  EXPECT_TRUE(back->overtaken);
  EXPECT_EQ(back->ended_why, "why");
  EXPECT_EQ(back->diagnosed_at, kDawn);
  EXPECT_EQ(back->old_code, dataset::OldCode::kOlder);
  EXPECT_EQ(back->old_code_sha, "c0de");
  EXPECT_EQ(back->probes[0].result, dataset::ProbeResult::kNotRun);
  EXPECT_EQ(back->probes[1].pipeline, PipelineId{9});
  EXPECT_EQ(back->probes[1].result, dataset::ProbeResult::kCannotTell);
  EXPECT_EQ(back->probes[1].reason, "no");
  EXPECT_EQ(back->verdict, "bad data");
  EXPECT_EQ(back->verdict_reason, "because");
  EXPECT_TRUE(back->quarantined);
  EXPECT_EQ(back->base_sha, "ba5e");
}

TEST_F(GateStore, QuarantineIsByBytesAndSource) {
  app::GateRecord record = fresh("aa");
  record.quarantined = true;
  ASSERT_TRUE(store_->put_gate_record(record));
  ASSERT_TRUE(store_->put_gate_record(fresh("bb")));
  EXPECT_TRUE(*store_->quarantined_bytes(project_, "training", "aa"));
  EXPECT_FALSE(*store_->quarantined_bytes(project_, "training", "bb"));
  EXPECT_FALSE(*store_->quarantined_bytes(project_, "curriculum", "aa"));
  record.quarantined = false;
  ASSERT_TRUE(store_->put_gate_record(record));
  EXPECT_FALSE(*store_->quarantined_bytes(project_, "training", "aa"));
}

TEST_F(GateStore, DiagnosesAreCountedSinceATime) {
  for (int hour = 0; hour < 4; ++hour) {
    app::GateRecord record = fresh();
    record.diagnosed_at = kDawn + Millis{hour * 3'600'000};
    ASSERT_TRUE(store_->put_gate_record(record));
  }
  ASSERT_TRUE(store_->put_gate_record(fresh()));  // ended, and never looked into
  EXPECT_EQ(*store_->count_diagnoses(project_, "training", kDawn + Millis{2 * 3'600'000}), 2);
  EXPECT_EQ(*store_->count_diagnoses(project_, "training", kDawn), 4);
  EXPECT_EQ(*store_->count_diagnoses(project_, "curriculum", kDawn), 0);
}

TEST_F(GateStore, ProbesAreNotAmongThePipelines) {
  app::Pipeline record;
  record.project = project_;
  record.source = app::kProbeSource;
  std::vector<app::Job> none;
  ASSERT_TRUE(store_->add_pipeline(record, none));
  EXPECT_TRUE(store_->pipelines(project_, {}, 10, 0)->empty());
  app::PipelineFilter probes;
  probes.source = app::kProbeSource;
  EXPECT_EQ(store_->pipelines(project_, probes, 10, 0)->size(), 1U);
}

}  // namespace
}  // namespace tidegate::sqlite
