#include "adapters/git/test_repository.h"

namespace tidegate::git {
namespace {

app::NewCommit change(std::string parent, std::vector<app::FileEdit> edits) {
  return {std::move(parent), std::move(edits),     "data: bind training v1\n\nData-Uri: s3://b/k\n",
          "Tidegate",        "tidegate@localhost", Instant(Millis(1'700'000'000'999))};
}

class CommitTest : public RepositoryTest {
 protected:
  std::string made(std::vector<app::FileEdit> edits) {
    const auto sha = repository_->make_commit(change(first_, std::move(edits)));
    EXPECT_TRUE(sha) << sha.error().message;
    if (sha) EXPECT_EQ(git({"fsck", "--strict", "--full"}).find("error"), std::string::npos);
    return sha.value_or("");
  }
  // Dangling commits are what a candidate is before its ref: fsck names them, and so they are put on a
  // branch.
  void TearDown() override {
    for (const std::string& line : split(git({"fsck", "--unreachable", "--no-reflogs"}), '\n')) {
      if (line.starts_with("unreachable commit "))
        git({"branch", "-f", "kept-" + line.substr(19, 8), line.substr(19)});
    }
    git({"prune"});
    RepositoryTest::TearDown();
  }
};

TEST_F(CommitTest, ChangesExactlyTheFileNamed) {
  const std::string sha = made({{"train.py", "DATA_PATH = \"new\"\n"}});
  EXPECT_EQ(git({"diff", "--name-status", first_, sha}), "M\ttrain.py");
  EXPECT_EQ(git({"show", sha + ":train.py"}), "DATA_PATH = \"new\"");
  EXPECT_EQ(git({"show", "-s", "--format=%P|%an|%ae|%cn|%at|%ai|%B", sha}),
            first_ +
                "|Tidegate|tidegate@localhost|Tidegate|1700000000|2023-11-14 22:13:20 +0000|data: bind "
                "training v1\n\nData-Uri: s3://b/k");
}

TEST_F(CommitTest, SameInputSameSha) {
  const std::string one = made({{"train.py", "x"}, {"new/deep/file", "y"}});
  EXPECT_EQ(made({{"new/deep/file", "y"}, {"train.py", "x"}}), one);
  EXPECT_NE(made({{"train.py", "z"}}), one);
}

TEST_F(CommitTest, ModesStay) {
  const std::string sha = made({{"run.sh", "#!/bin/sh\ntrue\n"}, {"src/deep/a.txt", "b"}});
  EXPECT_EQ(git({"ls-tree", sha, "run.sh"}).substr(0, 6), "100755");
  EXPECT_EQ(git({"ls-tree", sha, "link"}).substr(0, 6), "120000");
  EXPECT_EQ(git({"diff", "--summary", first_, sha}), "") << "no mode changes";
}

TEST_F(CommitTest, DeletesFilesAndTheFoldersThatBecomeEmpty) {
  const std::string sha = made({{"src/deep/a.txt", std::nullopt}});
  EXPECT_EQ(git({"ls-tree", "-r", "-t", "--name-only", sha}), "link\nrun.sh\ntrain.py");
  EXPECT_EQ(repository_->make_commit(change(first_, {{"nope", std::nullopt}})).error().code, Errc::kNotFound);
}

TEST_F(CommitTest, StrangeNamesAndBytes) {
  const std::string bytes("\0\xff\r\n", 4);
  const std::string name = "-rf \"x\" $(id) 한\n.txt";
  const std::string sha = made({{name, bytes}});
  EXPECT_EQ(repository_->read_file(sha, name).value(), bytes);
}

TEST_F(CommitTest, HostilePathsAreRefused) {
  for (const std::string& path :
       {std::string(), std::string("/etc/passwd"), std::string("../x"), std::string("a/../b"),
        std::string("a/./b"), std::string("a//b"), std::string("a/"), std::string(".git/config"),
        std::string("sub/.GIT/hooks/x"), std::string("git~1/x"), std::string("a\0b", 3), std::string(".git "),
        std::string(5000, 'x'), std::string("train.py/below"), std::string("src"), std::string("link")}) {
    const auto sha = repository_->make_commit(change(first_, {{path, "x"}}));
    ASSERT_FALSE(sha) << path;
    EXPECT_EQ(sha.error().code, Errc::kInvalid) << sha.error().message;
  }
  EXPECT_FALSE(repository_->make_commit(change(first_, {{"a", "1"}, {"a", "2"}})));
}

TEST_F(CommitTest, HeadersCannotBeForged) {
  for (const std::string& name :
       {std::string("A\nparent " + first_), std::string("A <x@y>"), std::string()}) {
    auto commit = change(first_, {});
    commit.author_name = name;
    EXPECT_EQ(repository_->make_commit(commit).error().code, Errc::kInvalid);
    commit = change(first_, {});
    commit.author_email = name;
    EXPECT_EQ(repository_->make_commit(commit).error().code, Errc::kInvalid);
  }
  auto commit = change(first_, {});
  commit.message = std::string("a\0b", 3);
  EXPECT_EQ(repository_->make_commit(commit).error().code, Errc::kInvalid);
}

TEST_F(CommitTest, ParentMustBeThere) {
  EXPECT_EQ(repository_->make_commit(change(std::string(40, 'a'), {})).error().code, Errc::kNotFound);
  EXPECT_EQ(repository_->make_commit(change("main", {})).error().code, Errc::kInvalid);
}

TEST_F(CommitTest, WithoutEditsTheTreeStays) {
  EXPECT_EQ(repository_->commit(made({})).value().tree, repository_->commit(first_).value().tree);
}

}  // namespace
}  // namespace tidegate::git
