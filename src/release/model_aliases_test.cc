// Aliases follow the releases, forwards and back.
#include "release/model_aliases.h"

#include <gtest/gtest.h>

namespace tidegate::release {
namespace {

using Line = std::vector<std::string>;

const std::vector<ModelVersion> kVersions{{1, "a"}, {2, "b"}, {3, "b"}, {4, "c"}, {5, "foreign"}};

TEST(AliasTargets, AreTheNewestOfTheLiveReleaseAndOfTheOneBefore) {
  EXPECT_EQ(alias_targets({{"c"}, {"b"}, {"a"}}, kVersions), (AliasTargets{4, 3}));
  EXPECT_EQ(alias_targets({{"b"}, {"a"}}, kVersions), (AliasTargets{3, 1}));
  EXPECT_EQ(alias_targets({{"a"}}, kVersions), (AliasTargets{1, 0}));
}

TEST(AliasTargets, AReleaseThatHasTrainedNothingYetMovesNothing) {
  EXPECT_EQ(alias_targets({{}, {"b"}, {"a"}}, kVersions), std::nullopt);
  EXPECT_EQ(alias_targets({{"unregistered"}, {"b"}}, kVersions), std::nullopt);
  EXPECT_EQ(alias_targets({}, kVersions), std::nullopt);
  EXPECT_EQ(alias_targets({{"a"}}, {}), std::nullopt);
}

TEST(AliasTargets, OneThatNeverTrainedIsPassedOver) {
  EXPECT_EQ(alias_targets({{"c"}, {}, {"unregistered"}, {"a"}}, kVersions), (AliasTargets{4, 1}));
}

TEST(LineOfReleases, FollowsWhatWasLiveBefore) {
  EXPECT_EQ(line_of_releases({{"r3", "r2"}, {"r2", "r1"}, {"r1", ""}}), (Line{"r3", "r2", "r1"}));
  EXPECT_EQ(line_of_releases({}), Line{});
}

// r3 went live and was taken back by hand: r2 is live, and before it was r1, not r3.
TEST(LineOfReleases, ARollbackGoesBackInTheLine) {
  EXPECT_EQ(line_of_releases({{"r2", "r3"}, {"r3", "r2"}, {"r2", "r1"}, {"r1", ""}}), (Line{"r2", "r1"}));
  EXPECT_EQ(line_of_releases({{"r1", "r3"}, {"r3", "r2"}, {"r2", "r1"}, {"r1", ""}}), (Line{"r1"}));
}

TEST(LineOfReleases, EndsWhereNothingIsKnown) {
  EXPECT_EQ(line_of_releases({{"r3", "r2"}}), (Line{"r3", "r2"}));
  EXPECT_EQ(line_of_releases({{"r1", "r2"}, {"r2", "r1"}}), (Line{"r1", "r2"}));
}

}  // namespace
}  // namespace tidegate::release
