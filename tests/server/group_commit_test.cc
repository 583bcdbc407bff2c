// Announcements of several threads that become durable together, on a real database.
#include "app/server/group_commit.h"

#include <algorithm>
#include <atomic>

#include <gtest/gtest.h>

#include "adapters/sqlite/sqlite_store.h"
#include "sys/file.h"

namespace tidegate::app {
namespace {

constexpr Instant kCreated{Millis{1'800'000'000'000}};

class GroupCommits : public testing::Test {
 protected:
  void SetUp() override {
    store_ = sqlite::open_store(directory_.path()).value();
    loop_.start();
  }
  void TearDown() override { loop_.stop(); }
  Status add(GroupCommit& commits, const std::string& path) {
    return commits.run([&]() -> Status {
      TG_CHECK(store_->add_project(path, "main", kCreated));
      return {};
    });
  }
  std::vector<std::string> paths() {
    return loop_.call([&] {
      std::vector<std::string> out;
      for (const Project& project : *store_->projects()) out.push_back(project.path);
      return out;
    });
  }

  sys::TempDirectory directory_ = sys::TempDirectory::make("/tmp", "tg-commit-").value();
  std::unique_ptr<Store> store_;
  Loop loop_;
};

TEST_F(GroupCommits, WhatManyThreadsWantIsAllThere) {
  GroupCommit commits(loop_, *store_);
  std::atomic<int> failed{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 50; ++i) {
        if (!add(commits, "g/p" + std::to_string(t) + "-" + std::to_string(i))) ++failed;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(failed, 0);
  EXPECT_EQ(paths().size(), 400U);
}

TEST_F(GroupCommits, OneThatFailsTakesNoOtherAlong) {
  GroupCommit commits(loop_, *store_);
  // The loop is held, so that all three are in one batch.
  std::promise<void> go;
  loop_.post([gate = go.get_future().share()] { gate.wait(); });
  std::vector<std::thread> threads;
  std::vector<Status> said(3);
  std::atomic<int> runs{0};
  threads.emplace_back([&] { said[0] = add(commits, "g/a"); });
  threads.emplace_back([&] {
    said[1] = commits.run([&]() -> Status {
      ++runs;
      TG_CHECK(store_->add_project("g/undone", "main", kCreated));
      return fail(Errc::kNotFound, "no such source");
    });
  });
  threads.emplace_back([&] { said[2] = add(commits, "g/b"); });
  go.set_value();
  for (std::thread& thread : threads) thread.join();
  EXPECT_TRUE(said[0]);
  EXPECT_EQ(said[1].error().code, Errc::kNotFound);
  EXPECT_TRUE(said[2]);
  EXPECT_GE(runs, 1);
  std::vector<std::string> there = paths();
  std::ranges::sort(there);
  EXPECT_EQ(there, (std::vector<std::string>{"g/a", "g/b"}));
}

TEST_F(GroupCommits, NobodyWaitsForALoopThatHasStopped) {
  GroupCommit commits(loop_, *store_);
  loop_.stop();
  const Status said = add(commits, "g/late");
  ASSERT_FALSE(said);
  EXPECT_EQ(said.error().code, Errc::kCanceled);
}

}  // namespace
}  // namespace tidegate::app
