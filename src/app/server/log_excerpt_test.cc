#include "app/server/log_excerpt.h"

#include <gtest/gtest.h>

namespace tidegate::app {
namespace {

std::string text_of(std::string_view log) {
  const auto line = failing_line(log);
  return line ? line->text : "(none)";
}

TEST(FailingLine, OfATestRunnerIsItsFirstErrorLine) {
  const auto line = failing_line(
      "$ pytest\n"
      "test_train.py:12: in test_rows\n"
      "E   ValueError: line 7 has no label\n"
      "E   and more of it\n"
      "FAILED test_train.py::test_rows\n"
      "ERROR: Job failed: exit code 1\n");
  ASSERT_TRUE(line);
  EXPECT_EQ(line->number, 3U);
  EXPECT_EQ(line->text, "E   ValueError: line 7 has no label");
}

TEST(FailingLine, PrefersWhatNamesAnErrorToWhatCameLast) {
  EXPECT_EQ(text_of("ValueError: bad\nsome more\nbye\nERROR: Job failed: exit code 1\n"), "ValueError: bad");
  EXPECT_EQ(text_of("make: error: no rule\nFAILED one\n"), "FAILED one");
}

TEST(FailingLine, WithoutAnyIsTheLastThatWasSaid) {
  EXPECT_EQ(text_of("$ run\nfirst\nlast\n\n$ exit 1\nERROR: Job failed: exit code 1\nafter the verdict\n"),
            "last");
  EXPECT_EQ(text_of("no newline at the end"), "no newline at the end");
}

TEST(FailingLine, OfASilentScriptIsItsOwnLastLineAndNotTheRunners) {
  EXPECT_EQ(
      text_of("section_start:1:prepare_executor\r\x1b[0KPreparing\n"
              "section_end:1:prepare_executor\r\x1b[0Ksection_start:1:step_script\r\x1b[0KExecuting\n"
              "$ false\nlast words\n"
              "section_end:1:step_script\r\x1b[0Ksection_start:1:cleanup_file_variables\r\x1b[0KCleaning up\n"
              "cleaned\nERROR: Job failed: exit code 1\n"),
      "last words");
}

TEST(FailingLine, GoesOnWithWhatItAnnounces) {
  const auto line = failing_line(
      "FAILED test_train.py::test_rows - Failed: s3://b/k is not sound:\n"
      "line 17: label 12 is not one of 0..9\n"
      "line 640: is not JSON\n"
      "=== 1 failed ===\n"
      "bye\n");
  ASSERT_TRUE(line);
  EXPECT_EQ(line->number, 1U);
  EXPECT_EQ(line->text,
            "FAILED test_train.py::test_rows - Failed: s3://b/k is not sound:\n"
            "line 17: label 12 is not one of 0..9\nline 640: is not JSON");
  EXPECT_EQ(text_of("the graph is refused:\n  a cycle\n  a dangling one\nUploading artifacts\n"),
            "the graph is refused:\na cycle\na dangling one");
  EXPECT_EQ(text_of("Error: many:\na\nb\nc\nd\ne\n"), "Error: many:\na\nb\nc\nd");
}

TEST(FailingLine, OfNothingIsNothing) {
  EXPECT_FALSE(failing_line(""));
  EXPECT_FALSE(failing_line("\n\n  \n"));
  EXPECT_FALSE(failing_line("$ exit 1\nERROR: Job failed: exit code 1\n"));
  EXPECT_FALSE(failing_line("E   \n"));
}

TEST(FailingLine, LooksThroughColoursAndSections) {
  const auto line = failing_line(
      "section_start:1795445919:step_script\r\x1b[0K\x1b[0K\x1b[36;1mExecuting\x1b[0;m\n"
      "\x1b[31mE   KeyError: 'x'\x1b[0m\n"
      "\x1b[0K\x1b[31;1mERROR: Job failed: exit code 1\x1b[0;m\n");
  ASSERT_TRUE(line);
  EXPECT_EQ(line->number, 2U);
  EXPECT_EQ(line->text, "E   KeyError: 'x'");
}

TEST(FailingLine, OfAHugeLineIsItsBeginning) {
  const std::string huge = "Error: " + std::string(1U << 20U, 'x');
  const auto line = failing_line(huge + "\nbye\n");
  ASSERT_TRUE(line);
  EXPECT_EQ(line->text.size(), 500U);
  EXPECT_EQ(line->number, 1U);
}

TEST(PlainLine, TakesOutEscapesAndWhatWasOverwritten) {
  EXPECT_EQ(plain_line("a\x1b[1;31mb\x1b[0mc"), "abc");
  EXPECT_EQ(plain_line("10%\r50%\r100%"), "100%");
  EXPECT_EQ(plain_line("windows\r"), "windows");
  EXPECT_EQ(plain_line("cut\x1b["), "cut");
  EXPECT_EQ(plain_line("cut\x1b[3"), "cut");
  EXPECT_EQ(plain_line("lone\x1b"), "lone\x1b");
}

}  // namespace
}  // namespace tidegate::app
