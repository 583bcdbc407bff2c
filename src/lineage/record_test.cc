// Records keep what they are given, and the chain shows every change of them.
#include "lineage/record.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "base/sha256.h"
#include "lineage/dsse.h"

namespace tidegate::lineage {
namespace {

constexpr Instant kNow{Millis{1'800'000'000'123}};

Record full() {
  Record r;
  r.project = "team/coach";
  r.at = kNow;
  r.verdict = "live";
  r.reason = "main was fast-forwarded";
  r.attempt = 2;
  r.data = Data{"training",
                7,
                "team-data",
                "training/b \"2\".jsonl",
                "v1",
                "e",
                12,
                std::string(64, 'a'),
                "s3://team-data/training/b%20%222%22.jsonl?versionId=v1"};
  r.commit = std::string(40, 'c');
  r.parent = std::string(40, 'd');
  r.branch = "main";
  r.promoted = true;
  r.pipeline = PipelineFact{12, "push", "success", kNow, kNow, {}};
  r.pipeline->jobs = {{31, "test", "test", "failed", true, 0, "script_failure", std::string(64, 'b')},
                      {32, "test", "test", "success", false, {}, "", std::string(64, 'e')}};
  r.deliveries = {{"release", "release-33-training", 33, "training", "ssh://host/srv", "live", "reg/x",
                   "sha256:" + std::string(64, 'f'), "20270115T080000Z-cc-ff", "", ""}};
  return r;
}

Record run() {
  Record r;
  r.kind = Kind::kRun;
  r.project = "team/coach";
  r.at = kNow;
  r.run = RunFact{"0123456789abcdef", "4", "release-33-training", "id", true};
  r.alias = AliasFact{"coach", "champion", "3", "4", "id"};
  return r;
}

TEST(Record, IsReadBackWhole) {
  for (const Record& record : {full(), run(), Record{}}) {
    const auto again = read_record(body_of(record));
    ASSERT_TRUE(again) << again.error().message;
    EXPECT_EQ(*again, record);
  }
}

TEST(Record, WhatSaysNothingIsLeftOut) {
  EXPECT_EQ(body_of(Record{}), R"({"at":"1970-01-01T00:00:00.000Z","kind":"attempt"})");
}

TEST(Record, NothingElseIsARecord) {
  for (const char* text :
       {"[]", "{}", R"({"at":"1970-01-01T00:00:00.000Z","kind":"nonsense"})", R"({"at":"then","kind":"run"})",
        R"({"at":"1970-01-01T00:00:00.000Z","kind":"run","new":1})",
        R"({"at":"1970-01-01T00:00:00.000Z","data":3,"kind":"run"})",
        R"({"at":"1970-01-01T00:00:00.000Z","data":{"more":3},"kind":"run"})",
        R"({"at":"1970-01-01T00:00:00.000Z","deliveries":[3],"kind":"run"})"}) {
    EXPECT_FALSE(read_record(text)) << text;
  }
}

TEST(Record, CanBeAskedForByEverythingThatItNames) {
  const auto names = names_of(full());
  const auto has = [&](const std::string& text, bool digest) {
    return std::ranges::find(names, Name{text, digest}) != names.end();
  };
  EXPECT_TRUE(has("training/7", false));
  EXPECT_TRUE(has("training/b \"2\".jsonl", false));
  EXPECT_TRUE(has("s3://team-data/training/b%20%222%22.jsonl?versionId=v1", false));
  EXPECT_TRUE(has("#12", false));
  EXPECT_TRUE(has("release-33-training", false));
  EXPECT_TRUE(has("20270115T080000Z-cc-ff", false));
  EXPECT_TRUE(has(std::string(40, 'c'), true));
  EXPECT_TRUE(has("sha256:" + std::string(64, 'f'), true));
  EXPECT_TRUE(has(std::string(64, 'f'), true));
  EXPECT_TRUE(has(std::string(64, 'a'), true));
  EXPECT_TRUE(std::ranges::is_sorted(names));
  EXPECT_EQ(names_of(run()).size(), 3U);
}

std::vector<Entry> chain_of(int length) {
  std::vector<Entry> out;
  Link head;
  for (int i = 0; i < length; ++i) {
    Record record = full();
    record.attempt = i;
    out.push_back(chained(head, record, PipelineId{i}, VersionId{i}));
    head = out.back().link;
  }
  return out;
}

// The number of the first record that does not fit; 0 when all do.
std::int64_t first_break(const std::vector<Entry>& chain) {
  Link head;
  for (const Entry& entry : chain) {
    if (broken(head, entry)) return entry.link.number;
    head = entry.link;
  }
  return 0;
}

TEST(Chain, IsAHashOverTheHashBeforeAndTheBody) {
  const auto chain = chain_of(2);
  EXPECT_EQ(chain[0].link.hash, sha256_hex(std::string(64, '0') + "\n" + chain[0].body));
  EXPECT_EQ(chain[1].link.hash, sha256_hex(chain[0].link.hash + "\n" + chain[1].body));
  EXPECT_EQ(first_break(chain), 0);
}

TEST(Chain, AnyOtherByteIsSeen) {
  const auto good = chain_of(3);
  for (std::size_t at = 0; at < good[1].body.size(); ++at) {
    auto chain = good;
    chain[1].body[at] = static_cast<char>(chain[1].body[at] ^ 1);
    EXPECT_EQ(first_break(chain), 2) << at;
  }
}

TEST(Chain, ARecordThatIsGoneMovedOrAddedIsSeen) {
  const auto good = chain_of(5);
  for (std::size_t at = 0; at + 1 < good.size(); ++at) {
    auto gone = good;
    gone.erase(gone.begin() + static_cast<std::ptrdiff_t>(at));
    EXPECT_EQ(first_break(gone), static_cast<std::int64_t>(at) + 2);
    auto moved = good;
    std::swap(moved[at].body, moved[at + 1].body);
    EXPECT_EQ(first_break(moved), static_cast<std::int64_t>(at) + 1);
  }
  auto renumbered = good;
  renumbered.erase(renumbered.begin() + 2);
  for (std::size_t at = 0; at < renumbered.size(); ++at)
    renumbered[at].link.number = static_cast<std::int64_t>(at) + 1;
  EXPECT_EQ(first_break(renumbered), 3);
}

// Whoever makes the hashes anew must make all that follow anew: the last one is another.
TEST(Chain, ARewrittenChainHasAnotherHead) {
  const auto good = chain_of(4);
  Link head = good[0].link;
  for (std::size_t at = 1; at < good.size(); ++at) {
    auto record = *read_record(good[at].body);
    if (at == 1) record.verdict = "rejected";
    head = chained(head, record, {}, {}).link;
  }
  EXPECT_NE(head, good.back().link);
}

TEST(Dsse, SignsTypeAndPayloadWithTheirLengths) {
  // The example of the specification's implementation notes.
  EXPECT_EQ(to_be_signed("http://example.com/HelloWorld", "hello world"),
            "DSSEv1 29 http://example.com/HelloWorld 11 hello world");
}

}  // namespace
}  // namespace tidegate::lineage
