#include "app/local/trace_lines.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace tidegate::app {
namespace {

using Lines = std::vector<std::string>;

Lines lines_of(const std::string& trace, std::size_t chunk = 1) {
  Lines lines;
  TraceLines reader([&](const std::string& section, std::string_view line) {
    lines.push_back(section + "|" + std::string(line));
  });
  for (std::size_t at = 0; at < trace.size(); at += chunk)
    reader.feed(std::string_view(trace).substr(at, chunk));
  reader.finish();
  return lines;
}

TEST(TraceLines, SectionsBecomeNames) {
  const std::string trace =
      "Running\nsection_start:1:prepare_executor\r\x1b[0K\x1b[0K\x1b[36;1mPreparing\x1b[0;m\nready\n"
      "section_end:2:prepare_executor\r\x1b[0Ksection_start:2:step_script[collapsed=true]\r\x1b[0K\x1b["
      "0KScript\n\nx\n"
      "section_end:3:step_script\r\x1b[0KJob succeeded\nlast";
  const Lines expected{"|Running",
                       "prepare_executor|\x1b[36;1mPreparing\x1b[0;m",
                       "prepare_executor|ready",
                       "step_script|Script",
                       "step_script|",
                       "step_script|x",
                       "|Job succeeded",
                       "|last"};
  for (const std::size_t chunk : {1UL, 3UL, 1000UL}) EXPECT_EQ(lines_of(trace, chunk), expected);
}

TEST(TraceLines, OfAnOverwrittenLineTheLastStateIsKept) {
  EXPECT_EQ(lines_of("10%\r50%\r100%\ndone\r\n"), (Lines{"|100%", "|done"}));
}

TEST(TraceLines, TextThatOnlyLooksLikeAMarkStays) {
  EXPECT_EQ(lines_of("section_start:x:y\nsection_start:1:a\n"),
            (Lines{"|section_start:x:y", "|section_start:1:a"}));
}

TEST(TraceLines, ALineWithoutEndComesInPieces) {
  EXPECT_EQ(lines_of(std::string(200'000, 'x'), 1000).size(), 4U);
}

TEST(WithoutEscapes, TakesColoursAway) {
  EXPECT_EQ(without_escapes("\x1b[32;1m$ echo\x1b[0;m 한글 \x1b[0K\x1b"), "$ echo 한글 ");
}

TEST(WithColorsOnly, NothingMovesTheCursor) {
  EXPECT_EQ(with_colors_only("\x1b[2J\x1b[1;31mred\x1b[0m\x1b[3A\tx\b\r\a\x1b]0;title"),
            "\x1b[1;31mred\x1b[0m    x]0;title");
  EXPECT_EQ(with_colors_only("\x1b["), "");
}

}  // namespace
}  // namespace tidegate::app
