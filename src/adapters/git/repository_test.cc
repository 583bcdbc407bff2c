#include "adapters/git/repository.h"

#include "adapters/git/test_repository.h"

namespace tidegate::git {
namespace {

TEST_F(RepositoryTest, ResolvesBranchesTagsAndShas) {
  git({"tag", "light"});
  git({"tag", "-a", "heavy", "-m", "x"});
  git({"branch", "topic/한"});
  const std::string second = commit("second");
  for (const std::string& name : {std::string("light"), std::string("heavy"), std::string("topic/한"), first_,
                                  first_.substr(0, 8), std::string("refs/tags/heavy"), std::string("HEAD~1"),
                                  std::string("main^"), git({"rev-parse", "refs/tags/heavy"})}) {
    const auto sha = repository_->resolve(name);
    ASSERT_TRUE(sha) << name << ": " << sha.error().message;
    EXPECT_EQ(*sha, first_) << name;
  }
  EXPECT_EQ(repository_->resolve("main").value(), second);
  EXPECT_EQ(repository_->resolve("HEAD").value(), second);
}

TEST_F(RepositoryTest, WhatCannotBeResolvedIsNotFoundOrInvalid) {
  for (const std::string& name :
       {std::string("nope"), std::string(), std::string(40, 'a'), std::string("deadbeef"), std::string("-x"),
        std::string(":/first"), std::string("main@{0}"), std::string("a\0b", 3), std::string("../../x"),
        first_.substr(0, 6), std::string("main~9"), std::string("main^{tree}"), std::string("main~x")}) {
    const auto sha = repository_->resolve(name);
    ASSERT_FALSE(sha) << name;
    EXPECT_TRUE(sha.error().code == Errc::kNotFound || sha.error().code == Errc::kInvalid)
        << sha.error().message;
  }
  EXPECT_EQ(repository_->resolve("nope").error().code, Errc::kNotFound);
}

TEST_F(RepositoryTest, DescribesCommits) {
  const std::string second = commit("second\n\nwith a body");
  const auto info = repository_->commit(second);
  ASSERT_TRUE(info) << info.error().message;
  EXPECT_EQ(info->sha, second);
  EXPECT_EQ(info->tree, git({"rev-parse", "HEAD^{tree}"}));
  EXPECT_EQ(info->parents, std::vector<std::string>{first_});
  EXPECT_EQ(info->author_name, "A");
  EXPECT_EQ(info->author_email, "a@x");
  EXPECT_EQ(info->message, "second\n\nwith a body\n");
  EXPECT_EQ(std::to_string(info->committed_at.time_since_epoch().count() / 1000),
            git({"show", "-s", "--format=%ct"}));
  EXPECT_EQ(repository_->commit("nope").error().code, Errc::kInvalid);
  EXPECT_EQ(repository_->commit(info->tree).error().code, Errc::kInvalid) << "a tree is no commit";
}

TEST_F(RepositoryTest, ReadsFiles) {
  EXPECT_EQ(repository_->read_file(first_, "src/deep/a.txt").value(), "a\n");
  EXPECT_EQ(repository_->read_file(first_, "run.sh").value(), "#!/bin/sh\n");
  for (const std::string& path :
       {std::string("nope"), std::string("src"), std::string("src/deep/a.txt/x"), std::string(),
        std::string("/train.py"), std::string("../train.py"), std::string("link"),
        std::string("train.py\0x", 10), std::string("src//deep")}) {
    const auto content = repository_->read_file(first_, path);
    ASSERT_TRUE(content) << path << content.error().message;
    EXPECT_FALSE(content->has_value()) << path;
  }
  EXPECT_FALSE(repository_->read_file(std::string(40, 'a'), "x"));
}

TEST_F(RepositoryTest, ReadsBytesAsTheyAre) {
  const std::string bytes("\0\r\n\xff", 4);
  put("bin", bytes);
  EXPECT_EQ(repository_->read_file(commit("binary"), "bin").value(), bytes);
}

TEST_F(RepositoryTest, ListsAllFilesSorted) {
  put("src.txt", "x");
  put("-rf \"x\" 한\n", "x");
  const auto paths = repository_->list_tree(commit("more"));
  ASSERT_TRUE(paths);
  EXPECT_EQ(*paths, (std::vector<std::string>{"-rf \"x\" 한\n", "link", "run.sh", "src.txt", "src/deep/a.txt",
                                              "train.py"}));
}

TEST_F(RepositoryTest, ChangedPathsNameBothSidesOfARename) {
  git({"mv", "src/deep/a.txt", "b 한.txt"});
  put("train.py", "changed\n");
  std::filesystem::permissions(work() / "run.sh", std::filesystem::perms(0644));
  const std::string second = commit("second");
  EXPECT_EQ(repository_->changed_paths(first_, second).value(),
            (std::vector<std::string>{"b 한.txt", "run.sh", "src/deep/a.txt", "train.py"}));
  EXPECT_TRUE(repository_->changed_paths(second, second).value().empty());
  EXPECT_EQ(repository_->changed_paths("", first_).value().size(), 4U);
  EXPECT_EQ(repository_->changed_paths(std::string(40, '0'), first_).value().size(), 4U);
  EXPECT_FALSE(repository_->changed_paths("nope", first_));
}

TEST_F(RepositoryTest, Ancestry) {
  const std::string second = commit("second");
  git({"checkout", "-q", "-b", "side", first_});
  const std::string side = commit("side");
  EXPECT_TRUE(repository_->is_ancestor(first_, second).value());
  EXPECT_TRUE(repository_->is_ancestor(second, second).value());
  EXPECT_FALSE(repository_->is_ancestor(second, first_).value());
  EXPECT_FALSE(repository_->is_ancestor(side, second).value());
  EXPECT_FALSE(repository_->is_ancestor(std::string(40, 'a'), second));
}

TEST_F(RepositoryTest, SeesWhatGitWritesLater) {
  const std::string second = commit("second");
  EXPECT_EQ(repository_->resolve("main").value(), second);
  git({"gc", "-q"});
  EXPECT_EQ(repository_->resolve("main").value(), second);
  EXPECT_TRUE(repository_->read_file(first_, "train.py").value());
  const std::string third = commit("third");
  EXPECT_EQ(repository_->resolve("main").value(), third);
}

TEST_F(RepositoryTest, OpeningWhatIsNone) {
  EXPECT_EQ(open_repository(folder_->path() / "nope").error().code, Errc::kNotFound);
  EXPECT_EQ(open_repository(folder_->path()).error().code, Errc::kNotFound);
  EXPECT_EQ(open_repository(work() / "src").error().code, Errc::kNotFound) << "no looking upwards";
}

TEST_F(RepositoryTest, BareRepositoryIsMadeOnceAndTakesAPush) {
  const auto bare = folder_->path() / "group" / "project.git";
  ASSERT_TRUE(init_bare(bare, "main"));
  auto repository = open_repository(bare);
  ASSERT_TRUE(repository) << repository.error().message;
  EXPECT_EQ((*repository)->resolve("HEAD").error().code, Errc::kNotFound) << "before the first push";
  EXPECT_TRUE((*repository)->refs().value().empty());
  git({"push", "-q", bare.native(), "main"});
  EXPECT_EQ((*repository)->resolve("HEAD").value(), first_);
  ASSERT_TRUE(init_bare(bare, "main")) << "again";
  EXPECT_EQ(open_or_init_bare(bare, "other").value()->resolve("main").value(), first_);
  EXPECT_EQ(run({"-C", bare.native(), "config", "core.fsync"}), "all");
  EXPECT_EQ(run({"-C", bare.native(), "config", "receive.fsckObjects"}), "true");
  EXPECT_EQ(run({"-C", bare.native(), "fsck", "--strict"}), "");
}

TEST_F(RepositoryTest, AClonerIsOnTheDefaultBranch) {
  const auto bare = folder_->path() / "trunk.git";
  ASSERT_TRUE(open_or_init_bare(bare, "trunk"));
  git({"push", "-q", bare.native(), "main:trunk", "main:other"});
  EXPECT_EQ(run({"-C", bare.native(), "symbolic-ref", "HEAD"}), "refs/heads/trunk");
}

}  // namespace
}  // namespace tidegate::git
