#include "dataset/intake.h"

#include <algorithm>
#include <map>
#include <random>

#include <gtest/gtest.h>

#include "dataset/testing.h"

namespace tidegate::dataset {
namespace {

using namespace std::chrono_literals;

const SourceFilter kFilter{"team-data", "training/", {"*.jsonl"}};

ObjectEvent event(std::string version, std::string sequencer, Millis when) {
  ObjectEvent e;
  e.provider = "aws:s3";
  e.bucket = "team-data";
  e.key = "training/a.jsonl";
  e.version_id = std::move(version);
  e.sequencer = std::move(sequencer);
  e.occurred_at = at(when);
  return e;
}

TEST(Sequencer, ShorterIsPaddedOnTheRightAndCaseIsFolded) {
  EXPECT_EQ(compare_sequencers("0055AED6DCD90281E5", "0055aed6dcd90281e5"), 0);
  EXPECT_LT(compare_sequencers("0055", "00551"), 0);
  EXPECT_EQ(compare_sequencers("0055", "005500"), 0);
  EXPECT_GT(compare_sequencers("0056", "00551111"), 0);
  EXPECT_EQ(compare_sequencers("", "000"), 0);
}

TEST(Identity, IsOfTheVersionNotOfTheMessenger) {
  ObjectEvent hook = event("v1", "01", 0ms);
  ObjectEvent listing = event("v1", "", 5s);
  listing.provider = "listing:http://x";
  listing.origin = Origin::kListing;
  listing.etag = "e";
  listing.size = 3;
  EXPECT_EQ(identity(hook), identity(listing));
  EXPECT_NE(identity(hook), identity(event("v2", "01", 0ms)));
}

TEST(Identity, WithoutVersionsEtagAndSizeCount) {
  ObjectEvent a = event("", "", 0ms);
  a.etag = "abc";
  a.size = 1;
  ObjectEvent b = a;
  b.version_id = "null";
  EXPECT_EQ(identity(a), identity(b)) << "\"null\" can be overwritten, so it names nothing";
  b.etag = "\"abc\"";
  EXPECT_EQ(identity(a), identity(b));
  b.size = 2;
  EXPECT_NE(identity(a), identity(b));
  ObjectEvent c = a;
  c.bucket = "team-dat";
  c.key = "atraining/a.jsonl";
  EXPECT_NE(identity(a), identity(c));
}

TEST(Decide, FiltersAndFolderMarkers) {
  const auto verdict = [](std::string bucket, std::string key) {
    ObjectEvent e = event("v", "", 0ms);
    e.bucket = std::move(bucket);
    e.key = std::move(key);
    return decide(kFilter, e, std::nullopt, false).verdict;
  };
  EXPECT_EQ(verdict("team-data", "training/a.jsonl"), Verdict::kNew);
  EXPECT_EQ(verdict("other", "training/a.jsonl"), Verdict::kFiltered);
  EXPECT_EQ(verdict("team-data", "train/a.jsonl"), Verdict::kFiltered);
  EXPECT_EQ(verdict("team-data", "training/deep/a.jsonl"), Verdict::kFiltered);
  EXPECT_EQ(verdict("team-data", "training/a.csv"), Verdict::kFiltered);
  EXPECT_EQ(verdict("team-data", std::string("training/a\0.jsonl", 17)), Verdict::kFiltered);
  EXPECT_EQ(verdict("team-data", "training/x.jsonl/"), Verdict::kIgnored);
  EXPECT_EQ(verdict("team-data", ""), Verdict::kIgnored);
}

TEST(Decide, NoIncludeTakesEverythingBelowThePrefix) {
  EXPECT_EQ(decide({"team-data", "training/", {}}, event("v", "", 0ms), std::nullopt, false).verdict,
            Verdict::kNew);
}

TEST(Decide, SequencerOrdersEventsOfOneKey) {
  const auto first = decide(kFilter, event("v2", "02", 2s), std::nullopt, false);
  ASSERT_EQ(first.verdict, Verdict::kNew);
  ASSERT_TRUE(first.state);
  const auto late = decide(kFilter, event("v1", "01", 9s), first.state, false);
  EXPECT_EQ(late.verdict, Verdict::kSuperseded) << "the sequencer counts, not the clock";
  EXPECT_FALSE(late.state);
  EXPECT_FALSE(late.reason.empty());
  EXPECT_EQ(decide(kFilter, event("v3", "03", 1s), first.state, false).verdict, Verdict::kNew);
}

TEST(Decide, TheSameVersionTwiceIsADuplicateWhateverItsOrder) {
  const auto first = decide(kFilter, event("v1", "05", 1s), std::nullopt, false);
  EXPECT_EQ(decide(kFilter, event("v1", "05", 1s), first.state, true).verdict, Verdict::kDuplicate);
  EXPECT_EQ(decide(kFilter, event("v1", "05", 1s), first.state, false).verdict, Verdict::kDuplicate)
      << "the newest is known by its identity, even when the record is not asked";
  EXPECT_EQ(decide(kFilter, event("v0", "01", 1s), first.state, true).verdict, Verdict::kDuplicate);
}

TEST(Decide, SequencersOfTwoProvidersAreNotCompared) {
  const auto first = decide(kFilter, event("v1", "0055AED6DCD90281E5", 1s), std::nullopt, false);
  ObjectEvent other = event("v2", "01", 2s);
  other.provider = "minio:s3";
  const auto second = decide(kFilter, other, first.state, false);
  EXPECT_EQ(second.verdict, Verdict::kNew) << "by the time, which is all they have in common";
  EXPECT_EQ(second.state.value().sequencer, "01");
  EXPECT_EQ(second.state.value().sequencer_by, "minio:s3");
  other.occurred_at = at(0s);
  EXPECT_EQ(decide(kFilter, other, first.state, false).verdict, Verdict::kSuperseded);
  other = event("v1", "FF", 1s);
  other.provider = "minio:s3";
  const auto again = decide(kFilter, other, first.state, false);
  EXPECT_EQ(again.verdict, Verdict::kDuplicate);
  EXPECT_FALSE(again.state) << "the mark stays with whom it is from";
}

TEST(Decide, OfEqualSequencersTheLaterTimeIsNews) {
  const auto first = decide(kFilter, event("v1", "0A", 1s), std::nullopt, false);
  EXPECT_EQ(decide(kFilter, event("v2", "0A00", 2s), first.state, false).verdict, Verdict::kNew);
  EXPECT_EQ(decide(kFilter, event("v2", "0A00", 1s), first.state, false).verdict, Verdict::kSuperseded);
  EXPECT_EQ(decide(kFilter, event("v0", "0A", 0s), first.state, false).verdict, Verdict::kSuperseded);
}

TEST(Decide, ListingsTellWholeSeconds) {
  const auto first = decide(kFilter, event("v1", "01", 500ms), std::nullopt, false);
  ObjectEvent listed = event("v2", "", 0ms);  // written at 800 ms
  listed.origin = Origin::kListing;
  const auto second = decide(kFilter, listed, first.state, false);
  EXPECT_EQ(second.verdict, Verdict::kNew) << "nothing is lost to rounding";
  EXPECT_EQ(second.state->sequencer, "") << "that of v1 says nothing of v2";
  ObjectEvent stale = event("v0", "", -1s);
  stale.origin = Origin::kListing;
  EXPECT_EQ(decide(kFilter, stale, first.state, false).verdict, Verdict::kSuperseded);
}

TEST(Decide, LateHookOfAnOlderVersionAfterAListing) {
  const auto one = decide(kFilter, event("v1", "01", 0s), std::nullopt, false);
  ObjectEvent listed = event("v3", "", 60s);
  listed.origin = Origin::kListing;
  const auto three = decide(kFilter, listed, one.state, false);
  ASSERT_EQ(three.verdict, Verdict::kNew);
  EXPECT_EQ(decide(kFilter, event("v2", "02", 30s), three.state, false).verdict, Verdict::kSuperseded);
  const auto told = decide(kFilter, event("v3", "03", 60s), three.state, true);
  EXPECT_EQ(told.verdict, Verdict::kDuplicate);
  ASSERT_TRUE(told.state);
  EXPECT_EQ(told.state->sequencer, "03");
}

// The mark of v1 does not order v2 and v3, and a listing's time is a whole second.
TEST(Decide, LateHookOfAnOlderVersionOfTheSameTimeAsTheListed) {
  const auto one = decide(kFilter, event("v1", "01", 0s), std::nullopt, false);
  ObjectEvent listed = event("v3", "", 60s);  // written at 60.8 s
  listed.origin = Origin::kListing;
  const auto three = decide(kFilter, listed, one.state, false);
  ASSERT_EQ(three.verdict, Verdict::kNew);
  for (const Millis when : {59'000ms, 59'900ms, 60'000ms, 60'200ms})
    EXPECT_EQ(decide(kFilter, event("v2", "02", when), three.state, false).verdict, Verdict::kSuperseded)
        << when.count();
  EXPECT_EQ(decide(kFilter, event("v2", "", 60'200ms), three.state, false).verdict, Verdict::kSuperseded)
      << "no sequencer";
  EXPECT_EQ(decide(kFilter, event("v4", "", 61'200ms), three.state, false).verdict, Verdict::kNew);
  EXPECT_EQ(decide(kFilter, event("v4", "04", 61s), three.state, false).verdict, Verdict::kNew);
}

// A version of that very second that is newer after all: the next listing shows it, and it was not decided
// new before.
TEST(Decide, WhatWasTakenForOlderIsNewWhenAListingShowsIt) {
  ObjectEvent listed = event("v3", "", 60s);
  listed.origin = Origin::kListing;
  const auto three = decide(kFilter, listed, std::nullopt, false);
  EXPECT_EQ(decide(kFilter, event("v4", "04", 60'900ms), three.state, false).verdict, Verdict::kSuperseded);
  ObjectEvent again = event("v4", "", 60s);
  again.origin = Origin::kListing;
  EXPECT_EQ(decide(kFilter, again, three.state, false).verdict, Verdict::kNew);
}

// Any number of deliveries in any order: the newest version is decided new exactly once, is what is known at
// the end, and nothing older is decided new after it.
TEST(Decide, DeliveriesInAnyOrderEndWithTheNewest) {
  std::mt19937 random(7);
  for (int round = 0; round < 2000; ++round) {
    std::vector<ObjectEvent> deliveries;
    const int versions = 1 + static_cast<int>(random() % 4);
    for (int v = 0; v < versions; ++v) {
      for (unsigned copy = 0; copy <= random() % 3; ++copy) {
        deliveries.push_back(event("v" + std::to_string(v), "0" + std::to_string(v), Millis(v * 10)));
      }
    }
    std::ranges::shuffle(deliveries, random);
    std::optional<KeyState> known;
    std::map<std::string, int> seen;
    std::string last_new;
    for (const ObjectEvent& delivery : deliveries) {
      const auto decision = decide(kFilter, delivery, known, seen.contains(identity(delivery)));
      if (decision.verdict == Verdict::kNew) {
        EXPECT_EQ(++seen[identity(delivery)], 1);
        last_new = delivery.version_id;
      } else {
        seen[identity(delivery)] += 0;
      }
      if (decision.state) known = decision.state;
    }
    EXPECT_EQ(last_new, "v" + std::to_string(versions - 1));
    EXPECT_EQ(known->identity, identity(event(last_new, "", 0ms)));
  }
}

TEST(Intake, OfASetOnlyItsManifestAnnounces) {
  const SourceFilter filter{"team-data", "training/", {"*.jsonl"}, "*.manifest.json", ""};
  const auto verdict = [&](const char* key) {
    ObjectEvent e = event("v1", "01", 0ms);
    e.key = key;
    return decide(filter, e, std::nullopt, false).verdict;
  };
  EXPECT_EQ(verdict("training/a.manifest.json"), Verdict::kNew);
  EXPECT_EQ(verdict("training/a.jsonl"), Verdict::kMember);
  EXPECT_EQ(verdict("training/deep/a.csv"), Verdict::kMember) << "a manifest names what it wants itself";
  EXPECT_EQ(verdict("training/deep/a.manifest.json"), Verdict::kMember) << "'*' does not cross '/'";
  EXPECT_EQ(verdict("elsewhere/a.manifest.json"), Verdict::kFiltered);
}

TEST(Intake, OfAFolderOnlyItsMarkerAnnounces) {
  const SourceFilter filter{"team-data", "training/", {"**/*.jsonl"}, "", "_SUCCESS"};
  const auto verdict = [&](const char* key) {
    ObjectEvent e = event("v1", "01", 0ms);
    e.key = key;
    return decide(filter, e, std::nullopt, false).verdict;
  };
  EXPECT_EQ(verdict("training/_SUCCESS"), Verdict::kNew);
  EXPECT_EQ(verdict("training/2026/_SUCCESS"), Verdict::kNew);
  EXPECT_EQ(verdict("training/NOT_SUCCESS"), Verdict::kFiltered);
  EXPECT_EQ(verdict("training/2026/a.jsonl"), Verdict::kMember);
  EXPECT_EQ(verdict("training/2026/a.csv"), Verdict::kFiltered);
}

TEST(Intake, AMemberIsOnRecordLikeAnyOther) {
  const SourceFilter filter{"team-data", "training/", {}, "*.json", ""};
  const auto first = decide(filter, event("v1", "01", 0ms), std::nullopt, false);
  ASSERT_TRUE(first.state);
  EXPECT_EQ(decide(filter, event("v1", "01", 0ms), first.state, true).verdict, Verdict::kDuplicate);
  EXPECT_EQ(decide(filter, event("v0", "00", 0ms), first.state, false).verdict, Verdict::kSuperseded);
  EXPECT_EQ(decide(filter, event("v2", "02", 1ms), first.state, false).verdict, Verdict::kMember);
}

TEST(Intake, AFileThatIsReplacedByAnOlderOneIsNew) {
  ObjectEvent now = event("", "", -24h);
  now.origin = Origin::kDirectory;
  now.etag = "other";
  const KeyState known{"of the file before", "", at(24h * 365 * 70)};
  EXPECT_EQ(decide(kFilter, now, known, false).verdict, Verdict::kNew);
  now.origin = Origin::kListing;
  EXPECT_EQ(decide(kFilter, now, known, false).verdict, Verdict::kSuperseded);
}

}  // namespace
}  // namespace tidegate::dataset
