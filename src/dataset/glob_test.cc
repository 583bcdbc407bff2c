#include "dataset/glob.h"

#include <string>

#include <gtest/gtest.h>

namespace tidegate::dataset {
namespace {

TEST(Glob, StarStaysInItsFolder) {
  EXPECT_TRUE(glob_match("*.jsonl", "a.jsonl"));
  EXPECT_TRUE(glob_match("*.jsonl", ".jsonl"));
  EXPECT_FALSE(glob_match("*.jsonl", "x/a.jsonl"));
  EXPECT_FALSE(glob_match("*.jsonl", "a.jsonl.tmp"));
  EXPECT_TRUE(glob_match("2026-*/part-?.json", "2026-11/part-1.json"));
  EXPECT_FALSE(glob_match("2026-*/part-?.json", "2026-11/part-10.json"));
}

TEST(Glob, DoubleStarCrossesFolders) {
  EXPECT_TRUE(glob_match("**", "a/b/c"));
  EXPECT_TRUE(glob_match("**/x.csv", "x.csv"));
  EXPECT_TRUE(glob_match("**/x.csv", "a/b/x.csv"));
  EXPECT_FALSE(glob_match("**/x.csv", "ax.csv"));
  EXPECT_TRUE(glob_match("a/**/z", "a/z"));
  EXPECT_TRUE(glob_match("a/**/z", "a/b/c/z"));
  EXPECT_FALSE(glob_match("a/**/z", "az"));
  EXPECT_TRUE(glob_match("a**z", "a/b/z"));
}

TEST(Glob, EverythingElseStandsForItself) {
  EXPECT_TRUE(glob_match("[a]\\{b}$(c)", "[a]\\{b}$(c)"));
  EXPECT_FALSE(glob_match("[a]", "a"));
  EXPECT_TRUE(glob_match("", ""));
  EXPECT_FALSE(glob_match("", "a"));
  EXPECT_TRUE(glob_match("*", "a\nb c"));
}

TEST(Glob, QuestionMarkIsOneCharacter) {
  EXPECT_TRUE(glob_match("?.txt", "한.txt"));
  EXPECT_FALSE(glob_match("?.txt", "한글.txt"));
  EXPECT_FALSE(glob_match("a?b", "a/b"));
  EXPECT_TRUE(glob_match("?", "\xff")) << "a byte that is no character counts as one";
}

TEST(Glob, HostilePatternsEndSoon) {
  std::string pattern;
  for (int i = 0; i < 200; ++i) pattern += "*a";
  EXPECT_FALSE(glob_match(pattern + "b", std::string(1024, 'a')));
}

}  // namespace
}  // namespace tidegate::dataset
