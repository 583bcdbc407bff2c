// The line of a job's log that says why it failed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tidegate::app {

struct LogLine {
  std::uint64_t number = 0;  ///< counted from 1
  std::string
      text;  ///< with the few lines that it announces by a colon; without escape sequences and section marks
};

/// The most telling line: a test runner's error lines first ("E   …" of pytest, "FAILED …"), then lines that
/// name an error, then the last line before the runner's own verdict. Nothing when the log has no text.
std::optional<LogLine> failing_line(std::string_view log);

/// Escape sequences, carriage returns and section marks taken out of one line.
std::string plain_line(std::string_view line);

}  // namespace tidegate::app
