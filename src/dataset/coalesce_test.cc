#include "dataset/coalesce.h"

#include <algorithm>

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
