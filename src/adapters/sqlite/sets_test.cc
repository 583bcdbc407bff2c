// Versions that wait and what they stand for, sets, what people did, listings under way.
#include <gtest/gtest.h>

#include "adapters/sqlite/sqlite_store.h"
#include "sys/file.h"

namespace tidegate::sqlite {
namespace {

const Instant kToday{Millis{1'800'000'000'000}};

class SetsTest : public testing::Test {
 protected:
  void SetUp() override {
    open();
    project_ = store_->add_project("team/coach", "main", kToday)->id;
  }
  void open() {
    store_.reset();
    auto opened = open_store(directory_.path());
    ASSERT_TRUE(opened) << opened.error().message;
    store_ = std::move(*opened);
  }
  app::Version version(const std::string& source, app::VersionState state = app::VersionState::kWaiting) {
    app::Version version;
    version.project = project_;
    version.source = source;
    version.bucket = "b";
    version.state = state;
    version.created_at = version.due_at = kToday;
    return store_->add_version(version).value();
  }
  std::int64_t event(const std::string& identity, const std::string& verdict, VersionId of = {}) {
    app::EventRecord event;
    event.project = project_;
    event.source = "training";
    event.identity = identity;
    event.verdict = verdict;
    event.version = of;
    return store_->add_event(event).value();
  }

  sys::TempDirectory directory_ = *sys::TempDirectory::make(std::filesystem::temp_directory_path(), "store-");
  std::unique_ptr<app::Store> store_;
  ProjectId project_;
};

TEST_F(SetsTest, WhatIsMergedGoesOnStandingForItsEvents) {
  const auto first = version("training");
  const auto second = version("training");
  auto third = version("training");
  for (const auto& v : {first, second, third}) event("i" + std::to_string(v.number), "new", v.id);
  event("other", "new", version("other").id);
  ASSERT_TRUE(store_->merge_version(first.id, second.id));
  EXPECT_EQ(*store_->count_events(second.id), 2);
  ASSERT_TRUE(store_->merge_version(second.id, third.id));
  third.because = "three came";
  ASSERT_TRUE(store_->save_version(third));
  open();
  EXPECT_EQ(*store_->count_events(third.id), 3);
  const auto events = store_->events(project_, "training", third.id, 10);
  ASSERT_EQ(events->size(), 3U);
  for (const auto& e : *events) EXPECT_EQ(e.number, 3);
  EXPECT_EQ(store_->events(project_, "", VersionId{}, 10)->size(), 4U);
  EXPECT_EQ(store_->event_of(third.id)->value().identity, "i3");
  EXPECT_EQ(store_->version(third.id)->value().because, "three came");
  EXPECT_EQ(store_->version(first.id)->value().became, third.id);
}

TEST_F(SetsTest, WhatWaitsIsUnderWayOrLive) {
  const auto waiting = version("training");
  version("training");
  EXPECT_FALSE(store_->version_under_way(project_, "training")->has_value());
  EXPECT_FALSE(store_->live_version(project_, "training")->has_value());
  const auto testing = version("training", app::VersionState::kTesting);
  version("training", app::VersionState::kSkipped);
  auto old = version("training", app::VersionState::kLive);
  auto live = version("training", app::VersionState::kLive);
  old.finished_at = kToday + Millis{5};  // ended later: an old one that was replayed
  live.finished_at = kToday;
  ASSERT_TRUE(store_->save_version(old) && store_->save_version(live));
  const auto other = version("other", app::VersionState::kLive);
  EXPECT_EQ(store_->waiting_versions(project_, "training", 10)->size(), 2U);
  EXPECT_EQ(store_->waiting_versions(project_, "training", 1)->front().id, waiting.id) << "the oldest first";
  EXPECT_EQ(store_->version_under_way(project_, "training")->value().id, testing.id);
  EXPECT_EQ(store_->live_version(project_, "training")->value().id, old.id);
  const auto all = store_->live_versions(project_);
  ASSERT_EQ(all->size(), 2U);
  EXPECT_EQ(all->at(0).id, other.id);
  EXPECT_EQ(all->at(1).id, old.id);
  EXPECT_EQ(store_->unfinished_versions()->size(), 3U);
  EXPECT_EQ(store_->version_numbered(project_, "training", testing.number)->value().id, testing.id);
  EXPECT_FALSE(store_->version_numbered(project_, "training", 99)->has_value());
}

TEST_F(SetsTest, MembersAreKeptAndTheirEventsBelongToTheVersion) {
  const auto set = version("training");
  dataset::ObjectEvent landed;
  landed.bucket = "b";
  landed.key = "k/a";
  landed.version_id = "v1";
  const auto member = event(dataset::identity(landed), "member");
  event("unrelated", "member");
  std::vector<app::SetMember> members(2);
  members[0].wanted = {"k/a", std::string("a\0\xff", 3), 7, "aa", "e"};
  members[0].found = {"v1", "e", 7, "aa", kToday};
  members[1].wanted = {"k/b", "b", std::nullopt, "", ""};
  ASSERT_TRUE(store_->set_members(set, members));
  open();
  const auto read = store_->members(set.id);
  ASSERT_EQ(read->size(), 2U);
  EXPECT_EQ(read->at(0).wanted, members[0].wanted);
  EXPECT_EQ(read->at(0).found, members[0].found);
  EXPECT_EQ(read->at(1).wanted, members[1].wanted);
  EXPECT_FALSE(read->at(1).found);
  const auto events = store_->events(project_, "training", set.id, 10);
  ASSERT_EQ(events->size(), 1U);
  EXPECT_EQ(events->front().id, member);
  EXPECT_EQ(*store_->count_events(set.id), 0) << "members are not what made it";
  members.pop_back();
  ASSERT_TRUE(store_->set_members(set, members));
  EXPECT_EQ(store_->members(set.id)->size(), 1U);
}

TEST_F(SetsTest, TheLastWordOnPinAndQuarantineCounts) {
  const auto act = [&](const char* action, const char* identity = "", const char* sha256 = "") {
    app::DataAction entry;
    entry.project = project_;
    entry.source = "training";
    entry.number = 7;
    entry.action = action;
    entry.identity = identity;
    entry.sha256 = sha256;
    entry.who = "me";
    entry.reason = "because";
    entry.at = kToday;
    ASSERT_TRUE(store_->add_data_action(entry));
  };
  const auto pinned = [&] { return store_->pin(project_, "training")->has_value(); };
  const auto bad = [&](const char* identity, const char* sha256) {
    return store_->quarantined_data(project_, "training", identity, sha256)->has_value();
  };
  EXPECT_FALSE(pinned());
  act("pin");
  act("skip");
  EXPECT_TRUE(pinned());
  act("unpin");
  EXPECT_FALSE(pinned());
  act("quarantine", "i", "s");
  open();
  EXPECT_TRUE(bad("i", ""));
  EXPECT_TRUE(bad("other", "s"));
  EXPECT_FALSE(bad("other", ""));
  EXPECT_FALSE(store_->quarantined_data(project_, "other", "i", "s")->has_value());
  act("release", "i", "s");
  EXPECT_FALSE(bad("i", "s"));
  const auto all = store_->data_actions(project_, "training", 10);
  ASSERT_EQ(all->size(), 5U);
  EXPECT_EQ(all->front().action, "release");
  EXPECT_EQ(all->front().number, 7);
}

TEST_F(SetsTest, KeysAreReadInRangesAndListingsGoOn) {
  const auto key = [&](const std::string& name, const char* identity) {
    ASSERT_TRUE(store_->set_key(project_, "training", name, {{identity, "", kToday}, "e", 1}));
  };
  for (const char* name : {"a", "a/b", "b", "한", "zz"}) key(name, name);
  const auto range = store_->keys_between(project_, "training", "a/", "zz");
  ASSERT_EQ(range->size(), 3U);
  EXPECT_EQ(range->front().first, "a/b");
  EXPECT_EQ(range->back().first, "zz");
  event("b", "new");
  const auto baseline = store_->baseline_keys(project_, "training", "a", 10);
  ASSERT_EQ(baseline->size(), 3U);
  EXPECT_EQ(baseline->at(1).first, "zz");
  EXPECT_EQ(store_->baseline_keys(project_, "training", "", 1)->size(), 1U);
  EXPECT_FALSE(store_->listing(project_, "training")->has_value());
  ASSERT_TRUE(store_->save_listing(project_, "training", {true, kToday, "x", 1}));
  ASSERT_TRUE(store_->save_listing(project_, "training", {true, kToday, "a\xff\n", 5000}));
  open();
  const auto left = store_->listing(project_, "training")->value();
  EXPECT_TRUE(left.baseline);
  EXPECT_EQ(left.after, "a\xff\n");
  EXPECT_EQ(left.objects, 5000);
  ASSERT_TRUE(store_->end_listing(project_, "training"));
  EXPECT_FALSE(store_->listing(project_, "training")->has_value());
}

}  // namespace
}  // namespace tidegate::sqlite
