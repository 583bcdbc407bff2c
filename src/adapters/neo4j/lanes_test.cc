#include "adapters/neo4j/lanes.h"

#include <atomic>
#include <latch>
#include <set>

#include <gtest/gtest.h>

namespace tidegate::neo4j {
namespace {

TEST(Lanes, DoEveryItemOnceAndTellTheCaller) {
  for (const std::size_t lanes : {0U, 1U, 3U, 9U}) {
    std::atomic<int> worked = 0;
    std::set<std::size_t> told;
    const auto status = run_in_lanes(
        lanes, 7,
        [&](std::size_t lane, std::size_t) -> Status {
          EXPECT_LT(lane, std::max<std::size_t>(lanes, 1));
          ++worked;
          return {};
        },
        [&](std::size_t item) -> Status {
          EXPECT_TRUE(told.insert(item).second);
          return {};
        });
    EXPECT_TRUE(status);
    EXPECT_EQ(worked, 7);
    EXPECT_EQ(told.size(), 7U);
  }
  EXPECT_TRUE(run_in_lanes(2, 0, {}, {}));
}

TEST(Lanes, RunAtOnce) {
  std::latch both(2);
  EXPECT_TRUE(run_in_lanes(
      2, 2,
      [&](std::size_t, std::size_t) -> Status {
        both.arrive_and_wait();  // would never return if one waited for the other
        return {};
      },
      [](std::size_t) -> Status { return {}; }));
}

TEST(Lanes, StopAtTheFirstFailure) {
  for (const std::size_t lanes : {1U, 2U}) {
    std::atomic<int> worked = 0;
    int told = 0;
    const auto status = run_in_lanes(
        lanes, 1000,
        [&](std::size_t, std::size_t item) -> Status {
          ++worked;
          if (item == 3) return fail(Errc::kConflict, "three");
          return {};
        },
        [&](std::size_t) -> Status {
          ++told;
          return {};
        });
    EXPECT_EQ(status.error().message, "three");
    EXPECT_GE(worked, 4);
    EXPECT_LT(told, worked);
    const auto refused = run_in_lanes(
        lanes, 1000, [](std::size_t, std::size_t) -> Status { return {}; },
        [](std::size_t) -> Status { return fail(Errc::kCanceled, "enough"); });
    EXPECT_EQ(refused.error().code, Errc::kCanceled);
  }
}

}  // namespace
}  // namespace tidegate::neo4j
