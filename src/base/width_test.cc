#include "base/width.h"

#include <gtest/gtest.h>

namespace tidegate {
namespace {

TEST(Width, CountsColumnsNotBytes) {
  EXPECT_EQ(display_width("abc"), 3U);
  EXPECT_EQ(display_width("한글 빌드"), 9U);
  EXPECT_EQ(display_width("é"), 1U);
  EXPECT_EQ(display_width("e\u0301"), 1U);
  EXPECT_EQ(display_width("🚀"), 2U);
  EXPECT_EQ(display_width("✓"), 1U);
  EXPECT_EQ(display_width("\xff\xc3"), 2U);
}

TEST(Width, FitsByColumns) {
  EXPECT_EQ(fit_columns("compile", 7), "compile");
  EXPECT_EQ(fit_columns("compile", 6), "compi…");
  EXPECT_EQ(fit_columns("한글빌드", 8), "한글빌드");
  EXPECT_EQ(fit_columns("한글빌드", 7), "한글빌…");
  EXPECT_EQ(fit_columns("한글빌드", 6), "한글…");  // half of a wide character is not shown
  EXPECT_EQ(fit_columns("ab", 1), "…");
  EXPECT_EQ(fit_columns("ab", 0), "");
  EXPECT_EQ(pad_columns("한", 4), "한  ");
  for (std::size_t columns = 0; columns < 12; ++columns) {
    EXPECT_LE(display_width(fit_columns("a한b글\u0301c🚀de", columns)), columns);
    EXPECT_EQ(display_width(pad_columns("a한b글\u0301c🚀de", columns)), columns);
  }
}

TEST(Width, NothingThatMovesACursorPasses) {
  EXPECT_EQ(fit_columns("a\x1b[2Jb\r\n\xc2\x9b\xff", 40), "a?[2Jb????");
}

}  // namespace
}  // namespace tidegate
