// The coverage of a job, found in its log. Source: GitLab CI/CD YAML reference, coverage;
// gitlab/ci/trace/stream.rb.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "pipeline/regex.h"

namespace tidegate::pipeline {

/// Takes a log in pieces of any size; the last number of the last match in the last line that has one counts.
/// Lines longer than 64 KiB are looked at up to there. Not for use from two threads.
class CoverageFinder {
 public:
  /// `pattern`: RE2; nothing is ever found when it is empty or does not compile.
  explicit CoverageFinder(const std::string& pattern);

  void feed(std::string_view bytes);
  /// After the last piece. A percentage as the job wrote it (not limited to 100).
  std::optional<double> coverage();

 private:
  void end_line();

  std::optional<Regex> regex_;
  std::string line_;
  std::optional<double> found_;
};

}  // namespace tidegate::pipeline
