// LiveView: a running pipeline on a terminal, redrawn in place.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "app/local/live_frame.h"
#include "app/local/run_pipeline.h"

namespace tidegate::app {

struct LiveViewSettings {
  bool color = true;
  bool scroll_output = false;      ///< all lines of the jobs, above the picture: for a run of one job
  std::size_t failure_lines = 15;  ///< of each failed job, at the end
};

/// The picture (live_frame) stands below everything written so far and is drawn anew by tick(): only lines
/// that changed, in one write, without the cursor. What stays (notices, the end) is written above it. After a
/// change of width the rows are counted as terminals fold long lines anew. All members may be called from any
/// thread.
class LiveView : public LocalObserver {
 public:
  using Write = std::function<void(std::string_view)>;
  using Size = std::function<TerminalSize()>;
  LiveView(LiveViewSettings settings, const Clock& clock, Size size, Write write);
  LiveView(const LiveView&) = delete;
  LiveView& operator=(const LiveView&) = delete;
  ~LiveView() override { close(); }

  void jobs_planned(const std::vector<LocalJob>& jobs) override;
  void job_started(const LocalJob& job) override;
  void job_line(const std::string& job, const std::string& section, std::string_view line) override;
  void job_ended(const LocalJob& job) override;
  void job_passed_over(const LocalJob& job) override;
  void notice(std::string_view text) override;

  /// Draws, when something is to be drawn: between the first jobs_planned and close().
  void tick();
  /// Takes the picture away and gives the cursor back. Nothing is drawn afterwards.
  void close();
  /// As close, until resume draws it anew: while the process is stopped.
  void pause();
  void resume();
  /// close, then the failed jobs' last lines and the table of all jobs.
  void finish(const LocalResult& result);

 private:
  LiveJob* find(const std::string& path);
  void update(const LocalJob& job, LivePhase phase);
  void draw();
  void take_away();
  std::size_t rows_of_last(TerminalSize size) const;

  const LiveViewSettings settings_;
  const Clock& clock_;
  const Size size_;
  const Write write_;
  std::mutex mutex_;  // of everything below
  LiveState state_;
  std::map<std::string, std::size_t> place_;                  // path → place in state_.jobs
  std::map<std::string, std::deque<std::string>> last_said_;  // of jobs that run or failed
  std::string above_;                                         // stays; not written yet
  std::vector<FrameLine> drawn_;
  TerminalSize drawn_size_;
  bool open_ = false;
  bool paused_ = false;
};

/// Ticks a view ten times a second, from a thread of its own, until it goes.
class LiveTicker {
 public:
  explicit LiveTicker(LiveView& view);
  LiveTicker(const LiveTicker&) = delete;
  LiveTicker& operator=(const LiveTicker&) = delete;
  ~LiveTicker();

 private:
  std::mutex mutex_;
  std::condition_variable_any wake_;
  std::jthread thread_;
};

}  // namespace tidegate::app
