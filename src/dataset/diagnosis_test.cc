// Whose fault it is, for every combination of what the probes can say.
#include "dataset/diagnosis.h"

#include <set>

#include <gtest/gtest.h>

namespace tidegate::dataset {
namespace {

using enum ProbeResult;

/// Runs the probes as `truth` has them; the verdict, and which were run.
struct Played {
  Conclusion conclusion;
  std::set<Probe> run;
};
Played play(const Findings& truth) {
  Findings known;
  known.old_code = truth.old_code;
  Played out;
  for (std::size_t i = 0; i <= kProbes; ++i) {
    const auto next = next_probe(known);
    if (const auto* conclusion = std::get_if<Conclusion>(&next)) {
      out.conclusion = *conclusion;
      return out;
    }
    const Probe probe = std::get<Probe>(next);
    EXPECT_TRUE(out.run.insert(probe).second) << "asked twice for " << to_string(probe);
    known.of(probe) = truth.of(probe);
  }
  ADD_FAILURE() << "no end";
  return out;
}

Fault fault(ProbeResult old_data, ProbeResult again, ProbeResult old_code = kCannotTell,
            OldCode code = OldCode::kNone) {
  return play({{old_data, again, old_code}, code}).conclusion.fault;
}

TEST(Diagnosis, TheFourVerdicts) {
  EXPECT_EQ(fault(kPassed, kFailed), Fault::kBadData);
  EXPECT_EQ(fault(kPassed, kPassed), Fault::kFlaky);
  EXPECT_EQ(fault(kFailed, kFailed), Fault::kBadCode);
  EXPECT_EQ(fault(kCannotTell, kFailed), Fault::kUnknown);
}

TEST(Diagnosis, TheLastGoodCodeDecidesWhereThereIsSome) {
  EXPECT_EQ(fault(kFailed, kFailed, kPassed, OldCode::kOlder), Fault::kBadCode);
  EXPECT_EQ(fault(kFailed, kFailed, kFailed, OldCode::kOlder), Fault::kUnknown);
  EXPECT_EQ(fault(kFailed, kFailed, kCannotTell, OldCode::kOlder), Fault::kBadCode);
  EXPECT_EQ(fault(kFailed, kFailed, kPassed, OldCode::kSame), Fault::kUnknown);
}

TEST(Diagnosis, FlakyIsFoundWithoutEarlierDataToo) {
  EXPECT_EQ(fault(kCannotTell, kPassed), Fault::kFlaky);
}

TEST(Diagnosis, RunsNoMoreThanItNeeds) {
  EXPECT_EQ(play({{kFailed, kFailed, kFailed}, OldCode::kNone}).run, std::set{Probe::kOldData});
  EXPECT_EQ(play({{kFailed, kFailed, kPassed}, OldCode::kOlder}).run,
            (std::set{Probe::kOldData, Probe::kOldCode}));
  EXPECT_EQ(play({{kPassed, kFailed, kPassed}, OldCode::kOlder}).run,
            (std::set{Probe::kOldData, Probe::kAgain}));
}

TEST(Diagnosis, EveryCombinationEndsWithAReason) {
  constexpr ProbeResult kEnds[] = {kPassed, kFailed, kCannotTell};
  for (const ProbeResult old_data : kEnds) {
    for (const ProbeResult again : kEnds) {
      for (const ProbeResult old_code : kEnds) {
        for (const OldCode code : {OldCode::kNone, OldCode::kSame, OldCode::kOlder}) {
          const Played played = play({{old_data, again, old_code}, code});
          EXPECT_FALSE(played.conclusion.reason.empty());
          // Data is called bad only when the earlier data passes and the new data has failed twice.
          if (played.conclusion.fault == Fault::kBadData) {
            EXPECT_EQ(old_data, kPassed);
            EXPECT_EQ(again, kFailed);
          }
          if (played.conclusion.fault == Fault::kBadCode) EXPECT_EQ(old_data, kFailed);
        }
      }
    }
  }
}

TEST(Diagnosis, NotForEveryFailure) {
  const FailedRun run{.by_script = true, .took = Millis{1000}, .diagnosed_today = 0};
  EXPECT_FALSE(why_no_diagnosis({}, run));
  EXPECT_TRUE(why_no_diagnosis({.diagnose = false}, run));
  EXPECT_TRUE(why_no_diagnosis({}, {.by_script = false}));
  EXPECT_TRUE(why_no_diagnosis({.longest = Millis{999}}, run));
  EXPECT_TRUE(why_no_diagnosis({.per_day = 3}, {.by_script = true, .diagnosed_today = 3}));
  EXPECT_FALSE(why_no_diagnosis({.per_day = 3}, {.by_script = true, .diagnosed_today = 2}));
}

TEST(Diagnosis, Words) {
  for (const Probe probe : {Probe::kOldData, Probe::kAgain, Probe::kOldCode})
    EXPECT_EQ(parse_probe(to_string(probe)), probe);
  EXPECT_FALSE(parse_probe("new-data"));
  for (const ProbeResult result : {kNotRun, kPassed, kFailed, kCannotTell})
    EXPECT_EQ(parse_probe_result(to_string(result)), result);
}

}  // namespace
}  // namespace tidegate::dataset
