// JobLog: one job's log as GitLab's viewer expects it: sections, colours, masked, limited, sent in pieces.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "app/ports/job_io.h"
#include "app/runner/log_masker.h"
#include "base/result.h"
#include "base/time.h"

namespace tidegate::app {

struct JobLogSettings {
  std::uint64_t limit = 4U << 20U;  ///< bytes of the job's own output; the runner's lines always come through
  std::size_t piece = 64U << 10U;   ///< bytes that are sent at once, at least, while output keeps coming
  Millis delay{300};                ///< how long a byte may wait before it is sent
  std::size_t backlog = 8U << 20U;  ///< bytes kept while the receiver cannot take them; more are lost
};

/// Writes to `io` from the calling thread only. Text passes the masker first, wherever it comes from.
/// Source of the format: GitLab Runner's job traces (`section_start:<unix>:<name>\r\e[0K…`).
class JobLog {
 public:
  JobLog(JobIo& io, const Clock& clock, const std::vector<std::string>& secrets, JobLogSettings settings);

  /// Output of the job's script. Past the limit it is dropped, after one notice. An empty view means that
  /// the script is quiet just now: what waits is sent when its time has come.
  void output(std::string_view bytes);

  /// A line of the runner's own; begins on a new line whatever the script left.
  void line(std::string_view text);
  void notice(std::string_view text);   ///< green, as the runner says what it does
  void warning(std::string_view text);  ///< yellow, "WARNING: …"
  void error(std::string_view text);    ///< red, "ERROR: …"

  /// Ends the section before it, if there is one.
  void start_section(std::string_view name, std::string_view heading);
  void end_section();

  /// Sends everything, trying again a few times. An error means that the end of the log is lost.
  Status finish();

  /// Bytes that were dropped because the receiver did not take them for too long.
  std::uint64_t lost() const { return lost_; }

 private:
  void put(std::string_view bytes);
  void put_line(std::string_view text);
  void send_when_due();
  Status send();

  JobIo& io_;
  const Clock& clock_;
  JobLogSettings settings_;
  LogMasker masker_;
  std::string waiting_;
  std::string unsent_;  ///< a piece that was refused: the very same bytes are sent again
  Instant oldest_{};
  std::string section_;
  std::uint64_t from_job_ = 0;
  std::uint64_t lost_ = 0;
  bool limited_ = false;
  bool at_line_start_ = true;
};

}  // namespace tidegate::app
