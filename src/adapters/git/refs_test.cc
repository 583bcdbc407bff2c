#include <thread>

#include "adapters/git/test_repository.h"

namespace tidegate::git {
namespace {

class RefsTest : public RepositoryTest {};

TEST_F(RefsTest, MovesByCompareAndSwap) {
  const std::string second = commit("second");
  ASSERT_TRUE(repository_->update_ref({"refs/heads/x", "", first_}));
  EXPECT_EQ(git({"rev-parse", "x"}), first_);
  const auto there = repository_->update_ref({"refs/heads/x", "", second});
  ASSERT_FALSE(there) << "must not exist";
  EXPECT_EQ(there.error().code, Errc::kConflict);
  EXPECT_EQ(repository_->update_ref({"refs/heads/x", second, first_}).error().code, Errc::kConflict);
  EXPECT_EQ(git({"rev-parse", "x"}), first_);
  ASSERT_TRUE(repository_->update_ref({"refs/heads/x", first_, second}));
  EXPECT_EQ(git({"rev-parse", "x"}), second);
  EXPECT_EQ(repository_->update_ref({"refs/heads/x", first_, ""}).error().code, Errc::kConflict);
  ASSERT_TRUE(repository_->update_ref({"refs/heads/x", second, ""}));
  EXPECT_EQ(git({"branch", "--list", "x"}), "");
  EXPECT_EQ(repository_->update_ref({"refs/heads/x", second, ""}).error().code, Errc::kConflict)
      << "gone already";
}

TEST_F(RefsTest, PackedRefsAreMovedAndDeletedToo) {
  git({"branch", "x"});
  git({"pack-refs", "--all"});
  const std::string second = commit("second");
  ASSERT_TRUE(repository_->update_ref({"refs/heads/x", first_, second}));
  EXPECT_EQ(git({"rev-parse", "x"}), second);
  git({"pack-refs", "--all"});
  ASSERT_TRUE(repository_->update_ref({"refs/heads/x", second, std::string(40, '0')}));
  EXPECT_EQ(git({"for-each-ref", "refs/heads/x"}), "");
}

TEST_F(RefsTest, WhatIsNoRefOrNoObjectIsRefused) {
  for (const char* name : {"", "main", "HEAD", "refs/heads/a..b", "refs/heads/.x", "refs/heads/x.lock",
                           "refs/heads/a b", "refs/heads/../../config", "refs/heads/x/", "/etc/passwd"}) {
    EXPECT_EQ(repository_->update_ref({name, "", first_}).error().code, Errc::kInvalid) << name;
  }
  EXPECT_EQ(repository_->update_ref({"refs/heads/x", "", std::string(40, 'a')}).error().code,
            Errc::kNotFound);
  EXPECT_EQ(repository_->update_ref({"refs/heads/x", "", "main"}).error().code, Errc::kInvalid);
  EXPECT_EQ(repository_->update_ref({"refs/heads/x", "", ""}).error().code, Errc::kInvalid);
  EXPECT_FALSE(repository_->update_ref({"refs/heads/main/below", "", first_}))
      << "main is a branch, no folder";
  EXPECT_EQ(git({"for-each-ref", "--format=%(refname)"}), "refs/heads/main");
}

TEST_F(RefsTest, ARefThatSomebodyHoldsIsUnavailable) {
  ASSERT_TRUE(sys::write_file(work() / ".git/refs/heads/main.lock", ""));
  const auto result = repository_->update_ref({"refs/heads/main", first_, first_});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Errc::kUnavailable) << result.error().message;
  std::filesystem::remove(work() / ".git/refs/heads/main.lock");
  EXPECT_TRUE(repository_->update_ref({"refs/heads/main", first_, first_}));
}

TEST_F(RefsTest, ListedSortedWithTagsAndWithoutLinks) {
  git({"branch", "b"});
  git({"branch", "a/한"});
  git({"tag", "-a", "v1", "-m", "x"});
  git({"symbolic-ref", "refs/heads/link", "refs/heads/main"});
  const auto refs = repository_->refs();
  ASSERT_TRUE(refs);
  EXPECT_EQ(*refs,
            (std::vector<std::pair<std::string, std::string>>{{"refs/heads/a/한", first_},
                                                              {"refs/heads/b", first_},
                                                              {"refs/heads/main", first_},
                                                              {"refs/tags/v1", git({"rev-parse", "v1"})}}));
}

// Of many who want to move a ref from the same place, one wins.
TEST_F(RefsTest, OneOfManyWins) {
  std::vector<std::string> targets;
  for (int i = 0; i < 8; ++i) targets.push_back(commit("c" + std::to_string(i)));
  ASSERT_TRUE(repository_->update_ref({"refs/heads/race", "", first_}));
  std::vector<int> won(targets.size(), 0);
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < targets.size(); ++i) {
    threads.emplace_back([&, i] {
      const auto own = open_repository(work());
      for (;;) {
        const auto moved = (*own)->update_ref({"refs/heads/race", first_, targets[i]});
        if (!moved && moved.error().code == Errc::kUnavailable) continue;  // locked just now
        won[i] = moved ? 1 : 0;
        return;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  int winners = 0;
  for (std::size_t i = 0; i < targets.size(); ++i) {
    winners += won[i];
    if (won[i] == 1) EXPECT_EQ(git({"rev-parse", "race"}), targets[i]);
  }
  EXPECT_EQ(winners, 1);
}

}  // namespace
}  // namespace tidegate::git
