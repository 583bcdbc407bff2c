#include "pipeline/coverage.h"

#include <gtest/gtest.h>

namespace tidegate::pipeline {
namespace {

std::optional<double> find(const std::string& pattern, std::string_view log) {
  CoverageFinder finder(pattern);
  for (const char c : log) finder.feed({&c, 1});
  return finder.coverage();
}

TEST(Coverage, IsTheLastNumberThatMatches) {
  struct Case {
    const char* pattern;
    const char* log;
    std::optional<double> coverage;
  };
  const Case cases[] = {
      {R"(\d+\.\d+%)", "a 10.5% b\nTOTAL 20.5%\n", 20.5},
      {R"(\d+\.\d+%)", "a 10.5% b 11.5%\nno match", 11.5},
      {R"(TOTAL.*\s(\d+%))", "TOTAL 3 of 4 75%\n", 75},
      {R"(Coverage: (\d+)/(\d+))", "Coverage: 3/80\n", 80},
      {R"(lines(.*))", "lines: 42\nlines: none\n", 42},
      {R"(\d+%)", "nothing", std::nullopt},
      {"", "12%", std::nullopt},
      {"(", "12%", std::nullopt},
      {R"(\d+%)", "12%", 12},
      {R"((\d*)%)", "%", std::nullopt},
      {R"(\d+)", "1234567890123456789012345678901234567890\n", 1234567890123456789012345678901234567890.0},
  };
  for (const Case& c : cases) EXPECT_EQ(find(c.pattern, c.log), c.coverage) << c.pattern << " in " << c.log;
}

TEST(Coverage, HugeLinesAndHostilePatternsTakeLinearTime) {
  const std::string line(5U << 20U, 'a');
  CoverageFinder finder("(a*)*b|(x+x+)+y");
  finder.feed(line);
  finder.feed("\n7 b\n");
  EXPECT_FALSE(finder.coverage());
  CoverageFinder zero("x*");
  zero.feed("aaaa\n5\n");
  EXPECT_FALSE(zero.coverage());
}

}  // namespace
}  // namespace tidegate::pipeline
