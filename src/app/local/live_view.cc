#include "app/local/live_view.h"

#include <algorithm>
#include <chrono>
#include <stop_token>
#include <utility>

#include <fmt/core.h>

#include "app/local/trace_lines.h"
#include "app/local/view_text.h"
#include "base/text.h"

namespace tidegate::app {

using pipeline::JobStatus;

namespace {

constexpr std::string_view kHideCursor = "\x1b[?25l";
constexpr std::string_view kShowCursor = "\x1b[?25h";
constexpr std::string_view kToLineEnd = "\x1b[K";
constexpr std::string_view kToScreenEnd = "\x1b[J";
constexpr std::size_t kLongestKept = 1000;  // bytes of a line that is kept for the end

std::string up(std::size_t rows) {
  return rows == 0 ? "\r" : fmt::format("\r\x1b[{}A", rows);
}

}  // namespace

LiveView::LiveView(LiveViewSettings settings, const Clock& clock, Size size, Write write)
    : settings_(settings), clock_(clock), size_(std::move(size)), write_(std::move(write)) {}

LiveJob* LiveView::find(const std::string& path) {
  const auto found = place_.find(path);
  return found == place_.end() ? nullptr : &state_.jobs[found->second];
}

void LiveView::update(const LocalJob& job, LivePhase phase) {
  if (LiveJob* known = find(job.path()); known != nullptr) {
    known->job = job;
    known->phase = phase;
  }
}

void LiveView::jobs_planned(const std::vector<LocalJob>& jobs) {
  const std::lock_guard lock(mutex_);
  if (!open_ && drawn_.empty() && place_.empty()) {
    open_ = true;
    state_.begin = clock_.now();
  }
  for (const LocalJob& job : jobs) {
    if (!place_.emplace(job.path(), state_.jobs.size()).second) continue;
    state_.jobs.push_back({.job = job});
  }
}

void LiveView::job_started(const LocalJob& job) {
  const std::lock_guard lock(mutex_);
  update(job, LivePhase::kRunning);
  last_said_[job.path()].clear();
  if (LiveJob* known = find(job.path()); known != nullptr) {
    known->since = clock_.now();
    known->last_line.clear();
  }
}

void LiveView::job_line(const std::string& job, const std::string& section, std::string_view line) {
  std::string plain = without_escapes(line);
  if (!is_for_people(section, plain) || trim(plain).empty()) return;
  plain = printable(replace_all(plain, "\t", "    "), kLongestKept);
  const std::lock_guard lock(mutex_);
  if (settings_.scroll_output) {
    above_ += settings_.color ? fmt::format("{}{}\r\n", with_colors_only(line), kReset) : plain + "\r\n";
    return;
  }
  auto& last = last_said_[job];
  last.push_back(plain);
  if (last.size() > settings_.failure_lines) last.pop_front();
  if (LiveJob* known = find(job); known != nullptr) known->last_line = std::move(plain);
}

void LiveView::job_ended(const LocalJob& job) {
  const std::lock_guard lock(mutex_);
  const bool over = pipeline::is_completed(job.status);
  update(job, over ? LivePhase::kOver : LivePhase::kWaiting);
  if (job.status != JobStatus::kFailed) last_said_.erase(job.path());
}

void LiveView::job_passed_over(const LocalJob& job) {
  const std::lock_guard lock(mutex_);
  update(job, LivePhase::kOver);
}

void LiveView::notice(std::string_view text) {
  const std::lock_guard lock(mutex_);
  above_ += painted(settings_.color, fmt::format("-- {}", printable(text, kLongestKept)), kYellow) + "\r\n";
}

void LiveView::tick() {
  const std::lock_guard lock(mutex_);
  if (open_ && !paused_) draw();
}

// Rows that the picture takes now. When the terminal became narrower, it has folded lines that were longer.
std::size_t LiveView::rows_of_last(TerminalSize size) const {
  const std::size_t columns = std::max<std::size_t>(size.columns, 1);
  std::size_t rows = 0;
  for (const FrameLine& line : drawn_) rows += std::max<std::size_t>(1, (line.width + columns - 1) / columns);
  return rows;
}

void LiveView::draw() {
  const TerminalSize size = size_();
  std::vector<FrameLine> frame = live_frame(state_, clock_.now(), size, settings_.color);
  std::string out = drawn_.empty() ? std::string(kHideCursor) : up(rows_of_last(size));
  if (!above_.empty() || size != drawn_size_) {
    out += kToScreenEnd;
    out += std::exchange(above_, {});
    drawn_.clear();
  }
  for (std::size_t i = 0; i < frame.size(); ++i) {
    if (i >= drawn_.size() || drawn_[i] != frame[i]) out += frame[i].bytes + std::string(kToLineEnd);
    out += "\r\n";
  }
  // Also takes away what was typed meanwhile.
  out += kToScreenEnd;
  drawn_ = std::move(frame);
  drawn_size_ = size;
  write_(out);
}

void LiveView::take_away() {
  std::string out;
  if (!drawn_.empty()) out = up(rows_of_last(size_())) + std::string(kToScreenEnd);
  out += std::exchange(above_, {});
  out += kShowCursor;
  drawn_.clear();
  write_(out);
}

void LiveView::close() {
  const std::lock_guard lock(mutex_);
  if (std::exchange(open_, false)) take_away();
}

void LiveView::pause() {
  const std::lock_guard lock(mutex_);
  if (open_) take_away();
  paused_ = true;
}

void LiveView::resume() {
  const std::lock_guard lock(mutex_);
  paused_ = false;
}

void LiveView::finish(const LocalResult& result) {
  close();
  const std::lock_guard lock(mutex_);
  std::string out;
  for (const LocalJob& job : result.jobs) {
    const auto said = last_said_.find(job.path());
    if (job.status != JobStatus::kFailed || said == last_said_.end() || said->second.empty()) continue;
    const std::string heading = fmt::format("-- {} {}", printable(job.path()), outcome_text(job));
    out += "\n" + painted(settings_.color, heading, color_of(job)) + "\n";
    for (const std::string& line : said->second) out += "   " + line + "\n";
  }
  write_(out + run_summary(result, settings_.color));
}

LiveTicker::LiveTicker(LiveView& view)
    : thread_([this, &view](const std::stop_token& stop) {
        std::unique_lock lock(mutex_);
        while (!stop.stop_requested()) {
          view.tick();
          wake_.wait_for(lock, stop, std::chrono::milliseconds(100), [] { return false; });
        }
      }) {}

LiveTicker::~LiveTicker() {
  thread_.request_stop();
  thread_.join();
}

}  // namespace tidegate::app
