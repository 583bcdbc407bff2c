// What a version does next, state by state.
#include "dataset/gate.h"

#include <gtest/gtest.h>

namespace tidegate::dataset {
namespace {

using enum VersionState;

constexpr VersionState kAll[] = {kBaseline,    kWaiting,    kFetching, kBinding,  kTesting,   kPromoting,
                                 kRollingBack, kDiagnosing, kLive,     kRejected, kSuperseded};

std::optional<VersionState> to(VersionState from, const GateEvent& event, int attempt = 1) {
  const auto step = next_step({from, attempt, "main"}, event);
  return step ? std::optional(step->to) : std::nullopt;
}

TEST(Gate, TheWayOfGoodData) {
  EXPECT_EQ(to(kFetching, Fetched{}), kBinding);
  EXPECT_EQ(to(kBinding, CandidateMade{"aaaa", "bbbb"}), kTesting);
  EXPECT_EQ(to(kTesting, PipelinePassed{}), kPromoting);
  EXPECT_EQ(to(kPromoting, Promoted{"aaaa"}), kLive);
}

TEST(Gate, TheWayOfBadData) {
  EXPECT_EQ(to(kTesting, PipelineFailed{"job"}), kRollingBack);
  EXPECT_EQ(to(kRollingBack, TakenBack{.diagnose = true, .reason = "job"}), kDiagnosing);
  EXPECT_EQ(to(kDiagnosing, Diagnosed{false, "bad data"}), kRejected);
  EXPECT_EQ(to(kRollingBack, TakenBack{.reason = "job"}), kRejected);
}

TEST(Gate, WhatIsFlakyMayGoAgain) {
  EXPECT_EQ(to(kDiagnosing, Diagnosed{true, "flaky"}), kBinding);
}

TEST(Gate, MadeAgainWhenTheBranchHasMoved) {
  EXPECT_EQ(to(kPromoting, BranchMoved{}), kRollingBack);
  EXPECT_EQ(to(kRollingBack, TakenBack{.stale = true, .passed = true}), kBinding);
  EXPECT_EQ(to(kRollingBack, TakenBack{.stale = true, .reason = "job"}), kBinding);
  // A person's cancel is a person's word.
  EXPECT_EQ(to(kRollingBack, TakenBack{.stale = true, .canceled = true, .reason = "canceled"}), kRejected);
}

TEST(Gate, NotForEver) {
  EXPECT_EQ(to(kRollingBack, TakenBack{.stale = true, .reason = "job"}, kMostAttempts - 1), kBinding);
  EXPECT_EQ(to(kRollingBack, TakenBack{.stale = true, .diagnose = true, .reason = "job"}, kMostAttempts),
            kRejected);
  EXPECT_EQ(to(kRollingBack, TakenBack{.stale = true, .passed = true}, kMostAttempts), kBinding);
  const auto given_up =
      next_step({kRollingBack, kMostRebases, "main"}, TakenBack{.stale = true, .passed = true});
  ASSERT_TRUE(given_up);
  EXPECT_EQ(given_up->to, kRejected);
  EXPECT_NE(given_up->reason.find("main moved 20 times"), std::string::npos) << given_up->reason;
}

TEST(Gate, EveryEventMeansSomethingInItsStateOnly) {
  const std::pair<VersionState, GateEvent> pairs[] = {
      {kFetching, Fetched{}},       {kBinding, CandidateMade{}}, {kTesting, PipelinePassed{}},
      {kTesting, PipelineFailed{}}, {kPromoting, BranchMoved{}}, {kPromoting, Promoted{}},
      {kRollingBack, TakenBack{}},  {kDiagnosing, Diagnosed{}}};
  for (const auto& [state, event] : pairs) {
    for (const VersionState other : kAll) {
      EXPECT_EQ(to(other, event).has_value(), other == state) << to_string(other) << " " << event.index();
    }
  }
  for (const VersionState state : kAll) {
    const bool may_be = state == kFetching || state == kBinding || state == kTesting;
    EXPECT_EQ(to(state, Unusable{"x"}), may_be ? std::optional(kRejected) : std::nullopt);
  }
}

TEST(Gate, StatesHaveWords) {
  for (const VersionState state : kAll) EXPECT_EQ(parse_version_state(to_string(state)), state);
  EXPECT_FALSE(parse_version_state("alive"));
}

}  // namespace
}  // namespace tidegate::dataset
