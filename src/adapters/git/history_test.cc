#include "adapters/git/test_repository.h"

namespace tidegate::git {
namespace {

class HistoryTest : public RepositoryTest {
 protected:
  std::string last(const std::string& sha, const std::string& path) {
    const auto found = repository_->last_commit(sha, path);
    EXPECT_TRUE(found) << found.error().message;
    return found.value_or("?");
  }
};

TEST_F(HistoryTest, NamesTheCommitThatChangedAFileLast) {
  put("lock", "1");
  const std::string locked = commit("lock");
  put("other", "1");
  const std::string head = commit("other");
  EXPECT_EQ(last(head, "lock"), locked);
  EXPECT_EQ(last(head, "other"), head);
  EXPECT_EQ(last(head, "train.py"), first_);
  EXPECT_EQ(last(head, "src/deep"), first_);
  EXPECT_EQ(last(head, "none"), "");
  EXPECT_EQ(last(first_, "lock"), "");
  EXPECT_FALSE(repository_->last_commit("no sha", "lock"));
}

TEST_F(HistoryTest, FollowsAMergeWhereTheFileComesFrom) {
  git({"checkout", "-q", "-b", "side"});
  put("lock", "side");
  const std::string side = commit("side");
  git({"checkout", "-q", "main"});
  put("other", "1");
  commit("main goes on");
  git({"merge", "-q", "--no-ff", "-m", "merge", "side"});
  const std::string merge = git({"rev-parse", "HEAD"});
  EXPECT_EQ(last(merge, "lock"), side);
  EXPECT_EQ(last(merge, "lock"), git({"log", "-1", "--format=%H", "--", "lock"}));
}

TEST_F(HistoryTest, WritesAnAnnotatedTag) {
  const auto tag =
      repository_->make_tag({"v1", first_, "the first\n", "T", "t@x", Instant{Millis{1'600'000'000'000}}});
  ASSERT_TRUE(tag) << tag.error().message;
  ASSERT_TRUE(repository_->update_ref({"refs/tags/v1", "", *tag}));
  EXPECT_EQ(git({"rev-parse", "v1^{commit}"}), first_);
  EXPECT_EQ(git({"tag", "-l", "--format=%(contents:subject) %(taggername)", "v1"}), "the first T");
  EXPECT_FALSE(repository_->make_tag({"v2", std::string(40, '1'), "m", "T", "t@x", {}}));
}

}  // namespace
}  // namespace tidegate::git
