#include <algorithm>

#include <gtest/gtest.h>

#include "dataset/intake.h"

namespace tidegate::dataset {
namespace {

TEST(Source, BucketAndPrefix) {
  const auto source = parse_source("s3://team-data/training/한글 x/");
  ASSERT_TRUE(source);
  EXPECT_FALSE(source->is_file);
  EXPECT_EQ(source->bucket, "team-data");
  EXPECT_EQ(source->prefix, "training/한글 x/");
  EXPECT_EQ(parse_source("s3://b")->prefix, "");
  EXPECT_EQ(parse_source("s3://b/")->prefix, "");
}

TEST(Source, FilesAreAbsoluteFolders) {
  EXPECT_EQ(parse_source("file:///srv/data")->prefix, "/srv/data/");
  EXPECT_EQ(parse_source("file:///srv//./data/")->prefix, "/srv/data/");
  EXPECT_TRUE(parse_source("file:///srv/data")->is_file);
  EXPECT_FALSE(parse_source("file://srv/data"));
  EXPECT_FALSE(parse_source("file:///srv/../etc"));
}

TEST(Source, AnythingElseIsNone) {
  for (const char* text :
       {"", "s3://", "s3:///x", "s3://b ucket/", "http://x/y", "/srv", "s3://a\nb/", "s3://../x"}) {
    EXPECT_FALSE(parse_source(text)) << text;
  }
}

// Keys that break things which are made by gluing text together.
const std::vector<std::string>& hostile_keys() {
  static const std::vector<std::string> keys = {
      "plain.csv",
      "a b",
      "a+b",
      "100%",
      "%2F",
      "\"quoted\"",
      "it's",
      "$(reboot)",
      "`id`",
      "${HOME}",
      "new\nline",
      "\r\n\t",
      "-rf",
      "--help",
      "a/../b",
      "./a",
      "a//b",
      "/a",
      "a/.",
      "한글.jsonl",
      "\xe1\x84\x92\xe1\x85\xa1\xe1\x86\xab.jsonl",  // the first syllable decomposed (NFD)
      "?versionId=x",
      "a?b&c=d#e",
      "\x7f\x01",
      "\xff\xfe",
      "a\xe2\x80\xa8z",
      "\\",
      "#",
      ";rm",
      std::string(1024, 'k'),
      std::string(1024, '\n')};
  return keys;
}

TEST(BoundUri, IsOneLineOfPlainAsciiAndComesBack) {
  for (const std::string& key : hostile_keys()) {
    for (const std::string& version :
         {std::string(), std::string("3sL4kqtJlcpXroDTDmJ+rmSpXd3dIbrHY/Y"), key}) {
      const std::string uri = bound_uri("team-data", key, version, false);
      EXPECT_TRUE(std::ranges::all_of(uri, [](char c) { return c > 0x20 && c < 0x7f; })) << uri;
      EXPECT_EQ(uri.find_first_of("\"'\\$`;#(){}<>*|&! "), std::string::npos) << uri;
      const auto back = parse_bound_uri(uri);
      ASSERT_TRUE(back) << uri;
      EXPECT_EQ(back->bucket, "team-data");
      EXPECT_EQ(back->key, key);
      EXPECT_EQ(back->version_id, version);
    }
  }
}

TEST(BoundUri, LooksAsPeopleExpect) {
  EXPECT_EQ(bound_uri("b", "training/2026 1.jsonl", "v1", false),
            "s3://b/training/2026%201.jsonl?versionId=v1");
  EXPECT_EQ(bound_uri("", "/srv/data/한.csv", "", true), "file:///srv/data/%ED%95%9C.csv");
  EXPECT_EQ(parse_bound_uri("file:///srv/data/%ED%95%9C.csv")->key, "/srv/data/한.csv");
}

TEST(BoundUri, WhatIsNoneIsRefused) {
  for (const char* text : {"", "data/train.csv", "s3://b", "s3://b/", "s3://b/%zz", "s3://b/%00",
                           "s3://b/k?x=1", "file://host/x", "s3:///k", "https://b/k"}) {
    EXPECT_FALSE(parse_bound_uri(text)) << text;
  }
}

}  // namespace
}  // namespace tidegate::dataset
