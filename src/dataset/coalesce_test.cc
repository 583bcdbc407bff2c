#include "dataset/coalesce.h"

#include <algorithm>
#include <random>

#include <gtest/gtest.h>

#include "dataset/testing.h"

namespace tidegate::dataset {
namespace {

using namespace std::chrono_literals;

PendingEvent pending(std::string key, std::string sequencer, Millis happened, Millis received) {
  PendingEvent p;
  p.event.key = std::move(key);
  p.event.sequencer = std::move(sequencer);
  p.event.occurred_at = at(happened);
  p.received_at = at(received);
  return p;
}

TEST(Coalesce, NothingPendingNothingDue) {
  const auto result = coalesce({}, {30s, 0s}, at(0s));
  EXPECT_FALSE(result.chosen);
  EXPECT_FALSE(result.due);
}

TEST(Coalesce, WaitsForQuiet) {
  const std::vector<PendingEvent> events = {pending("a", "", 0s, 0s), pending("b", "", 10s, 10s)};
  const auto early = coalesce(events, {30s, 0s}, at(39s));
  EXPECT_FALSE(early.chosen);
  EXPECT_TRUE(early.superseded.empty());
  EXPECT_EQ(early.due, at(40s));
  EXPECT_EQ(coalesce(events, {30s, 0s}, at(40s)).chosen, 1U);
}

TEST(Coalesce, ASourceThatNeverRestsIsNotStarved) {
  const std::vector<PendingEvent> events = {pending("a", "", 0s, 0s), pending("b", "", 25s, 25s),
                                            pending("c", "", 50s, 50s)};
  EXPECT_EQ(coalesce(events, {30s, 60s}, at(59s)).due, at(60s));
  EXPECT_EQ(coalesce(events, {30s, 60s}, at(60s)).chosen, 2U);
}

TEST(Coalesce, NewestOfAKeyBySequencerThenNewestKeyByTime) {
  const std::vector<PendingEvent> events = {pending("a", "03", 3s, 0s), pending("b", "", 2s, 1s),
                                            pending("a", "02", 9s, 2s)};
  const auto result = coalesce(events, {0s, 0s}, at(10s));
  EXPECT_EQ(result.chosen, 0U);
  ASSERT_EQ(result.superseded.size(), 2U);
  EXPECT_EQ(result.superseded[0].index, 1U);
  EXPECT_NE(result.superseded[0].reason.find("a came"), std::string::npos);
  EXPECT_EQ(result.superseded[1].index, 2U);
  EXPECT_NE(result.superseded[1].reason.find("this key"), std::string::npos);
  EXPECT_EQ(result.because,
            "3 events came between 2023-11-14T22:13:20.000Z and 2023-11-14T22:13:22.000Z; this one is the "
            "newest");
}

TEST(Coalesce, SaysWhyOneEventBecameAVersion) {
  EXPECT_EQ(coalesce({pending("a", "", 0s, 0s)}, {30s, 0s}, at(1h)).because,
            "it landed at 2023-11-14T22:13:20.000Z, then nothing for 30.0s");
  std::vector<PendingEvent> events = {pending("a", "", 0s, 0s), pending("b", "", 1s, 1s)};
  events[0].events = 13;
  EXPECT_TRUE(coalesce(events, {0s, 0s}, at(1h)).because.starts_with("14 events came between "));
}

TEST(Coalesce, WhatIsAskedForByHandRunsByItselfAndFirst) {
  std::vector<PendingEvent> events = {pending("new", "", 9s, 0s), pending("old", "", 1s, 1s),
                                      pending("older", "", 0s, 2s)};
  events[1].alone = events[2].alone = true;
  const auto result = coalesce(events, {30s, 0s}, at(2s));
  EXPECT_EQ(result.chosen, 1U) << "no quiet time is waited for, and they keep the order they were given in";
  EXPECT_TRUE(result.superseded.empty());
  events[1].complete = false;
  EXPECT_FALSE(coalesce(events, {30s, 0s}, at(1h)).chosen) << "the next one does not overtake it";
}

TEST(Coalesce, ASetThatIsNotCompleteWaits) {
  std::vector<PendingEvent> events = {pending("a", "", 1s, 0s), pending("b", "", 2s, 1s)};
  events[1].complete = false;
  const auto older = coalesce(events, {0s, 0s}, at(9s));
  EXPECT_EQ(older.chosen, 0U);
  EXPECT_TRUE(older.superseded.empty()) << "the newer one goes on waiting";
  events[0].complete = false;
  const auto none = coalesce(events, {0s, 0s}, at(9s));
  EXPECT_FALSE(none.chosen);
  EXPECT_FALSE(none.due) << "time alone changes nothing";
  events[1].complete = true;
  const auto newer = coalesce(events, {0s, 0s}, at(9s));
  EXPECT_EQ(newer.chosen, 1U);
  EXPECT_EQ(newer.superseded.size(), 1U) << "the older one is not waited for any more";
}

// Whatever waits: nothing incomplete runs, nothing newer and incomplete is dropped, every answer says why.
TEST(Coalesce, AtRandom) {
  std::mt19937 random(7);
  for (int round = 0; round < 20'000; ++round) {
    std::vector<PendingEvent> events;
    for (std::size_t i = 0, n = random() % 6; i < n; ++i) {
      events.push_back(pending(std::string(1, static_cast<char>('a' + random() % 3)),
                               random() % 3 == 0 ? "0" + std::to_string(random() % 4) : "",
                               Millis(random() % 5), Millis(i)));
      events.back().complete = random() % 3 != 0;
      events.back().alone = random() % 5 == 0;
    }
    const auto result = coalesce(events, {Millis(random() % 3), 0s}, at(Millis(random() % 9)));
    ASSERT_EQ(result.chosen.has_value(), !result.because.empty());
    if (!result.chosen) {
      ASSERT_TRUE(result.superseded.empty());
      continue;
    }
    ASSERT_TRUE(events[*result.chosen].complete);
    std::vector<bool> touched(events.size());
    touched[*result.chosen] = true;
    for (const auto& other : result.superseded) {
      ASSERT_FALSE(touched[other.index]);
      touched[other.index] = true;
      ASSERT_FALSE(events[*result.chosen].alone);
      ASSERT_FALSE(other.reason.empty());
    }
    for (std::size_t i = 0; i < events.size(); ++i) {
      if (events[*result.chosen].alone || touched[i]) continue;
      ASSERT_FALSE(events[i].complete) << "what could run and does not is accounted for";
    }
  }
}

TEST(Coalesce, OfEqualTimesTheLastToArrive) {
  const std::vector<PendingEvent> events = {pending("a", "", 1s, 0s), pending("b", "", 1s, 1s)};
  EXPECT_EQ(coalesce(events, {0s, 0s}, at(9s)).chosen, 1U);
}

TEST(Coalesce, EveryEventIsAccountedFor) {
  std::vector<PendingEvent> events;
  for (int i = 0; i < 50; ++i) {
    events.push_back(pending("k" + std::to_string(i % 7), i % 2 == 0 ? "0" + std::to_string(i) : "",
                             Millis(i * 37 % 11), Millis(i)));
  }
  const auto result = coalesce(events, {0s, 0s}, at(1h));
  ASSERT_TRUE(result.chosen);
  std::vector<std::size_t> all = {*result.chosen};
  for (const auto& other : result.superseded) all.push_back(other.index);
  std::ranges::sort(all);
  ASSERT_EQ(all.size(), events.size());
  for (std::size_t i = 0; i < all.size(); ++i) EXPECT_EQ(all[i], i);
}

}  // namespace
}  // namespace tidegate::dataset
