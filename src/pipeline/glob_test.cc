#include "pipeline/glob.h"

#include <string>

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include "base/text.h"
#include "pipeline/corpus.h"

namespace tidegate::pipeline {
namespace {

bool matches(std::string_view glob, std::string_view path) {
  const auto compiled = Glob::compile(glob);
  EXPECT_TRUE(compiled) << glob;
  return compiled && compiled->matches(path);
}

TEST(Glob, WhatPeopleGetWrong) {
  EXPECT_FALSE(matches("docs/**", "docs/a/b"));
  EXPECT_TRUE(matches("docs/**/*", "docs/a/b"));
  EXPECT_TRUE(matches("docs/**/*", "docs/a"));
  EXPECT_FALSE(matches("docs/", "docs/a"));
  EXPECT_TRUE(matches("*", ".hidden"));
  EXPECT_TRUE(matches("**/*.{py,toml}", "a/b/.c.py"));
}

TEST(Glob, Sets) {
  EXPECT_TRUE(matches("[a-c]x", "bx"));
  EXPECT_FALSE(matches("[a-c]x", "dx"));
  EXPECT_TRUE(matches("[가-힣].md", "한.md"));
  EXPECT_TRUE(matches("[!가-힣].md", "a.md"));
  EXPECT_TRUE(matches("a[x/]b", "axb"));
  EXPECT_TRUE(matches("[a\\]]", "]"));
  EXPECT_FALSE(matches("*[a", "xa"));
  EXPECT_FALSE(matches("[a-", "a"));
}

TEST(Glob, CharactersNotBytes) {
  EXPECT_TRUE(matches("?.txt", "한.txt"));
  EXPECT_FALSE(matches("??.txt", "한.txt"));
  EXPECT_TRUE(matches("?", "\xff"));
  EXPECT_FALSE(matches("\xed", "\xed\x95\x9c"));
}

TEST(Glob, EscapesAndTrailingBackslash) {
  EXPECT_TRUE(matches("\\*", "*"));
  EXPECT_FALSE(matches("\\*", "a"));
  EXPECT_TRUE(matches("a\\/b", "a/b"));
  EXPECT_TRUE(matches("a\\", "a"));
  EXPECT_TRUE(matches("\\{a,b}", "{a,b}"));
}

TEST(Glob, AnyDepthTriesEveryDirectory) {
  EXPECT_TRUE(matches("a/**/b/**/c", "a/b/x/b/y/c"));
  EXPECT_TRUE(matches("**/a/b", "a/a/b"));
  EXPECT_FALSE(matches("**/a/b", "a/b/a"));
  EXPECT_TRUE(matches("a/**/", "a/x/y/"));
}

TEST(Glob, UnreasonableTextIsRefused) {
  EXPECT_FALSE(Glob::compile(std::string(5000, 'a')));
  std::string doubling;
  for (int i = 0; i < 40; ++i) doubling += "{a,b}";
  EXPECT_FALSE(Glob::compile(doubling));
  EXPECT_FALSE(Glob::compile("{" + std::string(3000, ',') + "}"));
  const auto nested = Glob::compile(std::string(2000, '{') + "a" + std::string(2000, '}'));
  EXPECT_TRUE(!nested || nested->matches("a"));
}

TEST(Glob, NoExponentialTime) {
  std::string stars;
  for (int i = 0; i < 1000; ++i) stars += "*a";
  EXPECT_FALSE(matches(stars + "b", std::string(4000, 'a')));
  std::string depths;
  std::string path;
  for (int i = 0; i < 500; ++i) {
    depths += "**/a/";
    path += "a/a/";
  }
  EXPECT_FALSE(matches(depths + "b", path + "a"));
}

TEST(Glob, Corpus) {
  const auto text = read_corpus("expressions/globs.jsonl");
  if (!text) GTEST_SKIP() << "skipped: no corpus";
  int count = 0;
  for (const auto& line : split(*text, '\n')) {
    if (trim(line).empty()) continue;
    const auto row = boost::json::parse(line).as_object();
    const std::string glob(row.at("glob").as_string());
    const std::string path(row.at("path").as_string());
    EXPECT_EQ(matches(glob, path), row.at("match").as_bool()) << row.at("id").as_string();
    ++count;
  }
  EXPECT_GE(count, 118);
}

}  // namespace
}  // namespace tidegate::pipeline
