// One picture of a running pipeline for a terminal of a given size. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "app/local/run_pipeline.h"
#include "base/time.h"

namespace tidegate::app {

struct TerminalSize {
  std::size_t columns = 80;
  std::size_t rows = 24;
  friend bool operator==(const TerminalSize&, const TerminalSize&) = default;
};

enum class LivePhase : std::uint8_t { kWaiting, kRunning, kOver };

/// What the live view knows of one job.
struct LiveJob {
  LocalJob job{};
  LivePhase phase = LivePhase::kWaiting;
  Instant since{};          ///< kRunning: the attempt's begin
  std::string last_line{};  ///< what it said last, without escapes
};

struct LiveState {
  std::vector<LiveJob> jobs;  ///< jobs of one stage stand together
  Instant begin{};
};

/// A line of the picture: its bytes (with colours when asked for) and the columns it takes.
struct FrameLine {
  std::string bytes;
  std::size_t width = 0;
  friend bool operator==(const FrameLine&, const FrameLine&) = default;
};

/// Stages as headings; below them running jobs with elapsed time and last line, finished ones with result and
/// time; at the end a line that counts. At most `rows` - 1 lines of at most `columns` - 1 columns: what does
/// not fit is folded, first finished stages, then finished jobs (not failed ones), then stages that have not
/// begun, then running jobs, which are counted.
std::vector<FrameLine> live_frame(const LiveState& state, Instant now, TerminalSize size, bool color);

}  // namespace tidegate::app
