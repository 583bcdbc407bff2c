// What candidates are made on, and whose turn it is.
#include "dataset/train.h"

#include <gtest/gtest.h>

namespace tidegate::dataset {
namespace {

using enum VersionState;

Car car(int id, std::string source, VersionState state, bool ordered = false, std::string base = "",
        std::string candidate = "", int attempt = 1) {
  return {VersionId{id}, std::move(source), state, ordered, attempt, std::move(base), std::move(candidate)};
}

TEST(Train, SourcesDoNotWaitForEachOther) {
  const std::vector<Car> train{car(1, "a", kTesting, false, "m", "a1"), car(2, "b", kBinding)};
  EXPECT_EQ(base_of(train, VersionId{2}, "m"), "m");
  EXPECT_EQ(turn_of({train[0], car(2, "b", kTesting, false, "m", "b1")}, VersionId{2}, "m"), Turn::kNow);
}

TEST(Train, OrderedOnesAreMadeOnEachOther) {
  std::vector<Car> train{car(1, "a", kTesting, true, "m", "a1"), car(2, "b", kBinding, true)};
  EXPECT_EQ(base_of(train, VersionId{2}, "m"), "a1");
  train[1] = car(2, "b", kPromoting, true, "a1", "b1");
  EXPECT_EQ(turn_of(train, VersionId{2}, "m"), Turn::kWait);
  // The one before is live: the branch is at its commit, and nothing has to be tested again.
  train[0].state = kLive;
  EXPECT_EQ(turn_of(train, VersionId{2}, "a1"), Turn::kNow);
}

TEST(Train, WhenTheOneBeforeFailsThoseBehindAreMadeAgain) {
  std::vector<Car> train{car(1, "a", kRollingBack, true, "m", "a1"), car(2, "b", kTesting, true, "a1", "b1")};
  EXPECT_EQ(turn_of(train, VersionId{2}, "m"), Turn::kStale);
  EXPECT_EQ(base_of(train, VersionId{2}, "m"), std::nullopt);  // it may be made again, and then comes before
  for (const VersionState state : {kDiagnosing, kRejected}) {
    train[0].state = state;
    EXPECT_EQ(base_of(train, VersionId{2}, "m"), "m");
    EXPECT_EQ(turn_of(train, VersionId{2}, "m"), Turn::kStale);
  }
}

TEST(Train, WhenTheOneBeforeIsMadeAgainThoseBehindAreToo) {
  const std::vector<Car> train{car(1, "a", kTesting, true, "m2", "a2", 2),
                               car(2, "b", kTesting, true, "a1", "b1")};
  EXPECT_EQ(turn_of(train, VersionId{2}, "m2"), Turn::kStale);
  EXPECT_EQ(turn_by_order(train, VersionId{2}), Turn::kStale);
}

TEST(Train, OneSourceKeepsItsOrder) {
  const std::vector<Car> train{car(1, "a", kTesting, false, "m", "a1"), car(2, "a", kBinding)};
  EXPECT_EQ(base_of(train, VersionId{2}, "m"), "a1");
  EXPECT_EQ(under_way(train, "a"), 2);
  EXPECT_EQ(under_way(train, "b"), 0);
}

TEST(Train, WhoWasOvertakenTooOftenGoesFirst) {
  const std::vector<Car> train{car(1, "slow", kTesting, false, "m", "s3", kOvertakenMost),
                               car(2, "quick", kBinding)};
  EXPECT_EQ(base_of(train, VersionId{2}, "m"), "s3");
  EXPECT_EQ(car_before(train, VersionId{1}), nullptr);
}

TEST(Train, APushMakesItStale) {
  const std::vector<Car> train{car(1, "a", kPromoting, false, "m", "a1")};
  EXPECT_EQ(turn_of(train, VersionId{1}, "m"), Turn::kNow);
  EXPECT_EQ(turn_of(train, VersionId{1}, "other"), Turn::kStale);
  EXPECT_EQ(turn_of(train, VersionId{2}, "m"), Turn::kStale);  // it is not of this branch
}

TEST(Train, AWaitingOrDiagnosedVersionHoldsNobodyUp) {
  const std::vector<Car> train{car(1, "a", kWaiting, true), car(2, "a", kDiagnosing, true, "m", "a1"),
                               car(3, "a", kBinding, true)};
  EXPECT_EQ(base_of(train, VersionId{3}, "m"), "m");
  EXPECT_EQ(under_way(train, "a"), 1);
}

}  // namespace
}  // namespace tidegate::dataset
