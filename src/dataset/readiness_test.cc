#include "dataset/readiness.h"

#include <algorithm>
#include <random>

#include <gtest/gtest.h>

#include "base/sha256.h"
#include "dataset/testing.h"

namespace tidegate::dataset {
namespace {

using namespace std::chrono_literals;

Manifest manifest(std::initializer_list<const char*> keys) {
  Manifest out;
  for (const char* key : keys) out.members.push_back({key, "", std::nullopt, "", ""});
  return out;
}

Result<std::vector<Member>> members(std::initializer_list<const char*> keys) {
  return members_of(manifest(keys), "team", "training/may/set.manifest.json", "training/");
}

TEST(Members, AreRelativeToTheManifestsFolder) {
  const auto found = members({"b.jsonl", "deep/a.jsonl", "s3://team/training/may/c d+%.jsonl"});
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(found->at(0).key, "training/may/b.jsonl");
  EXPECT_EQ(found->at(0).name, "b.jsonl");
  EXPECT_EQ(found->at(1).name, "deep/a.jsonl");
  EXPECT_EQ(found->at(2).key, "training/may/c d+%.jsonl") << "byte for byte, nothing is decoded";
}

TEST(Members, OfOtherFoldersHaveNamesFromTheSourcesPrefix) {
  const auto found = members({"a.jsonl", "s3://team/training/june/b.jsonl"});
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(found->at(0).name, "may/a.jsonl");
  EXPECT_EQ(found->at(1).name, "june/b.jsonl");
}

TEST(Members, RefusesWhatCannotBeMeant) {
  for (const auto& keys : std::vector<std::initializer_list<const char*>>{
           {},
           {""},
           {"a", "a"},
           {"a", "s3://team/training/may/a"},
           {"set.manifest.json"},
           {"s3://other/training/a"},
           {"s3://team/elsewhere/a"},
           {"s3://team/training/"},
           {"../a"},
           {"a/../b"},
           {"./a"},
           {"a//b"},
           {"a/"},
           {"a", "a/b"},
           {"a/b", "a/b/c/d"},
       }) {
    const auto found = members(keys);
    ASSERT_FALSE(found) << (keys.size() > 0 ? *keys.begin() : "none");
    EXPECT_EQ(found.error().code, Errc::kInvalid);
  }
  const std::string segment(256, 'x');
  EXPECT_FALSE(members({segment.c_str()}));
  Manifest nul = manifest({"a"});
  nul.members[0].key = std::string("a\0b", 3);
  EXPECT_FALSE(members_of(nul, "team", "training/m", "training/"));
  Manifest many;
  for (std::size_t i = 0; i <= kMostMembers; ++i)
    many.members.push_back({std::to_string(i), "", std::nullopt, "", ""});
  EXPECT_FALSE(members_of(many, "team", "training/m", "training/"));
}

TEST(Members, OneHangulSyllableInTwoFormsIsTwoNames) {
  EXPECT_TRUE(members({"\xed\x95\x9c", "\xe1\x84\x92\xe1\x85\xa1\xe1\x86\xab"}));
}

Member wanted(const char* name, std::uint64_t size, std::string sha256 = "", std::string etag = "") {
  return {name, name, size, std::move(sha256), std::move(etag)};
}
Found found(std::uint64_t size, std::string sha256 = "", std::string etag = "e") {
  return {"v1", std::move(etag), size, std::move(sha256), at(0s)};
}

TEST(Assess, CompleteWhenAllIsAsAnnounced) {
  const auto result = assess({wanted("a", 3), wanted("b", 4, "bb", "e")}, {found(3), found(4, "bb")}, {});
  EXPECT_TRUE(result.complete());
  EXPECT_EQ(result.reason, "");
}

TEST(Assess, SaysWhatIsMissingAndWhatDiffers) {
  const auto result =
      assess({wanted("a", 3), wanted("b\n", 4), wanted("c", 5)}, {std::nullopt, found(9), std::nullopt}, {});
  EXPECT_EQ(result.missing, 2U);
  EXPECT_EQ(result.different, 1U);
  EXPECT_EQ(result.reason,
            "2 of 3 objects are missing: a, c; 1 of 3 objects is not as announced: b\\x0a has 9 bytes, the "
            "manifest says 4");
}

TEST(Assess, NamesAFewOfMany) {
  std::vector<Member> all;
  for (const char* name : {"a", "b", "c", "d"}) all.push_back(wanted(name, 1));
  EXPECT_EQ(assess(all, {{}, {}, {}, {}}, {}).reason, "4 of 4 objects are missing: a, b, c, …");
}

TEST(Assess, ComparesEtagAndHash) {
  EXPECT_NE(assess({wanted("a", 3, "", "x")}, {found(3)}, {}).reason.find("etag e"), std::string::npos);
  EXPECT_TRUE(assess({wanted("a", 3, "aa")}, {found(3)}, {}).complete()) << "not hashed yet";
  EXPECT_NE(assess({wanted("a", 3, "aa")}, {found(3, "bb")}, {}).reason.find("SHA-256 bb"),
            std::string::npos);
}

TEST(Assess, WhatIsNewerThanTheMarkerIsNoPartOfItsSet) {
  std::optional<Found> late = found(3);
  late->modified_at = at(10s);
  EXPECT_TRUE(assess({wanted("a", 3)}, {late}, at(10s)).complete());
  EXPECT_TRUE(assess({wanted("a", 3)}, {late}, at(11s)).complete());
  EXPECT_NE(assess({wanted("a", 3)}, {late}, at(9s)).reason.find("after the marker"), std::string::npos);
}

const std::string kA(64, 'a');
const std::string kB(64, 'b');

TEST(SetListing, IsTheSameInWhateverOrder) {
  const std::string text = set_listing({{"b c", 2, kB}, {"a/x", 1, kA}});
  EXPECT_EQ(text, "tidegate-set/1\n" + kA + " 1 a/x\n" + kB + " 2 b%20c\n");
  EXPECT_EQ(set_listing({{"a/x", 1, kA}, {"b c", 2, kB}}), text);
  const auto files = parse_set_listing(text);
  ASSERT_TRUE(files);
  EXPECT_EQ(*files, (std::vector<SetFile>{{"a/x", 1, kA}, {"b c", 2, kB}}));
}

TEST(SetListing, RefusesAnythingElse) {
  const std::string good = set_listing({{"a", 1, kA}, {"b", 2, kB}});
  for (const std::string& text : {
           std::string(),
           good.substr(0, good.size() - 1),
           good + "\n",
           "x" + good,
           "tidegate-set/1\n" + kB + " 2 b\n" + kA + " 1 a\n",
           "tidegate-set/1\n" + kA + " -1 a\n",
           "tidegate-set/1\n" + kA + " 01 a\n",
           "tidegate-set/1\n" + kA + " 1 ../a\n",
           "tidegate-set/1\n" + kA + " 1 %61\n",
           "tidegate-set/1\n" + std::string(64, 'A') + " 1 a\n",
       })
    EXPECT_FALSE(parse_set_listing(text)) << text;
}

// A set is complete exactly when nothing of it is missing or different, whatever order things come in; its
// hash tells of every byte of every name and hash.
TEST(Assess, AtRandom) {
  std::mt19937 random(11);
  for (int round = 0; round < 5'000; ++round) {
    std::vector<Member> all;
    std::vector<std::optional<Found>> seen;
    std::size_t good = 0;
    const std::size_t count = 1 + random() % 8;
    for (std::size_t i = 0; i < count; ++i) {
      const std::uint64_t size = random() % 3;
      all.push_back(wanted("x", size, random() % 2 == 0 ? kA : "", random() % 2 == 0 ? "e" : ""));
      all.back().name = std::to_string(i);
      if (random() % 4 == 0) {
        seen.emplace_back();
        continue;
      }
      const bool other_size = random() % 4 == 0;
      const bool other_hash = random() % 4 == 0;
      seen.push_back(found(other_size ? size + 1 : size, other_hash ? kB : random() % 2 == 0 ? kA : ""));
      good += !other_size && !(other_hash && !all.back().sha256.empty()) ? 1 : 0;
    }
    const auto result = assess(all, seen, {});
    ASSERT_EQ(count - result.missing - result.different, good);
    ASSERT_EQ(result.complete(), good == count);
    ASSERT_EQ(result.complete(), result.reason.empty());
    std::vector<SetFile> files;
    for (std::size_t i = 0; i < count; ++i) files.push_back({all[i].name, i, random() % 2 == 0 ? kA : kB});
    const std::string text = set_listing(files);
    std::ranges::shuffle(files, random);
    ASSERT_EQ(set_listing(files), text);
    ASSERT_EQ(parse_set_listing(text)->size(), count);
    SetFile& changed = files[random() % count];
    changed.sha256 = changed.sha256 == kA ? kB : kA;
    ASSERT_NE(sha256_hex(set_listing(files)), sha256_hex(text));
  }
}

}  // namespace
}  // namespace tidegate::dataset
