// Golden files: what a drawing looked like when somebody last agreed with it.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>

#include <gtest/gtest.h>

#include "sys/file.h"

namespace tidegate::app {

/// Compares `text` with the file. With TIDEGATE_ACCEPT=1 in the environment the file is written instead and
/// the test is reported as skipped, so that nobody takes it for passed; where CI is set, that is a failure.
inline void expect_golden(const std::filesystem::path& file, const std::string& text) {
  const auto set = [](const char* name) {
    const char* value = std::getenv(name);
    return value != nullptr && *value != '\0';
  };
  if (set("TIDEGATE_ACCEPT")) {
    ASSERT_FALSE(set("CI")) << "TIDEGATE_ACCEPT is for people: CI compares";
    ASSERT_TRUE(sys::make_directories(file.parent_path()));
    ASSERT_TRUE(sys::write_file(file, text));
    GTEST_SKIP() << "accepted: " << file;
  }
  const auto golden = sys::read_file(file);
  ASSERT_TRUE(golden) << file << " is not there: look at the text, then run with TIDEGATE_ACCEPT=1\n" << text;
  EXPECT_EQ(*golden, text) << file << " (TIDEGATE_ACCEPT=1 accepts the new text)";
}

}  // namespace tidegate::app
