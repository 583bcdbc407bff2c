#include "release/journal.h"

#include <gtest/gtest.h>

namespace tidegate::release {
namespace {

Record record(Op op, std::string deployment, std::string release) {
  Record out;
  out.op = op;
  out.deployment = std::move(deployment);
  out.release = std::move(release);
  return out;
}

TEST(Journal, RecordsRoundTrip) {
  auto flip = record(Op::kFlip, "d 1", "r1");
  flip.from = {{"bert", "releases/r0"}, {"kobart", ""}};
  flip.reason = "because \"of\"\nthis";
  flip.roll_back = true;
  EXPECT_EQ(parse_record(write_record(flip)), flip);
  EXPECT_EQ(parse_record("{\"op\":\"dance\",\"deployment\":\"x\"}"), std::nullopt);
  EXPECT_EQ(parse_record("{\"op\":\"flip\"}"), std::nullopt);
}

TEST(Journal, GathersAttemptsAndPassesOverDamage) {
  auto begin = record(Op::kBegin, "d1", "r1");
  begin.digest = "sha256:1";
  auto flip = record(Op::kFlip, "d1", "r1");
  flip.from = {{"a", ""}};
  const std::string text = write_record(begin) + "\n" + write_record(flip).substr(0, 20) + "\n\n" +
                           write_record(flip) + "\n" + write_record(record(Op::kLive, "d1", "r1")) + "\n" +
                           write_record(record(Op::kBegin, "d2", "r2")) + "\n{\"op\":\"fl";
  const auto journal = read_journal(text);
  EXPECT_EQ(journal.damaged, 2U);
  EXPECT_EQ(journal.last, "d2");
  EXPECT_EQ(journal.find("d1")->phase, Op::kLive);
  EXPECT_EQ(journal.find("d1")->record.digest, "sha256:1");
  EXPECT_EQ(journal.find("d1")->record.from, (Links{{"a", ""}}));
  EXPECT_EQ(journal.lived, std::vector<std::string>{"r1"});
  EXPECT_EQ(journal.find("d3"), nullptr);
}

TEST(Journal, KnowsWhatWasLiveBefore) {
  std::string text;
  for (const char* release : {"r1", "r2", "r3", "r2"})
    text +=
        write_record(record(Op::kLive, std::string("d") + release + std::to_string(text.size()), release)) +
        "\n";
  const auto journal = read_journal(text);
  EXPECT_EQ(release_before(journal, "r2"), "r3");
  EXPECT_EQ(release_before(journal, "r3"), "r2");
  EXPECT_EQ(release_before(journal, "r1"), "");
  EXPECT_EQ(release_before(journal, "unknown"), "r2");
  EXPECT_EQ(release_before(Journal{}, "r1"), "");
}

}  // namespace
}  // namespace tidegate::release
