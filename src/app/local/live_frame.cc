#include "app/local/live_frame.h"

#include <algorithm>
#include <span>

#include <fmt/core.h>

#include "app/local/view_text.h"
#include "base/width.h"

namespace tidegate::app {

using pipeline::JobStatus;

namespace {

// How much is folded away; each level folds what the one before folds, too.
enum Fold : std::uint8_t { kNothing, kFinishedStages, kFinishedJobs, kLaterStages, kAllHeadings };

// A line in parts, so that it can be cut to the width before colours are put in.
class LineBuilder {
 public:
  LineBuilder(std::size_t columns, bool color) : room_(columns), color_(color) {}

  LineBuilder& add(std::string_view text, std::string_view color = {}) {
    const std::string part = fit_columns(text, room_);
    const std::size_t width = display_width(part);
    room_ -= width;
    line_.width += width;
    line_.bytes += color.empty() ? part : painted(color_, part, color);
    return *this;
  }
  FrameLine take() { return std::move(line_); }

 private:
  FrameLine line_;
  std::size_t room_;
  bool color_;
};

struct Stage {
  std::span<const LiveJob> jobs;

  std::size_t count(LivePhase phase) const {
    return static_cast<std::size_t>(std::ranges::count(jobs, phase, &LiveJob::phase));
  }
  bool over() const { return count(LivePhase::kOver) == jobs.size(); }
  bool begun() const { return count(LivePhase::kWaiting) < jobs.size(); }
};

std::vector<Stage> stages_of(const std::vector<LiveJob>& jobs) {
  std::vector<Stage> stages;
  std::size_t first = 0;
  for (std::size_t i = 1; i <= jobs.size(); ++i) {
    if (i < jobs.size() && jobs[i].job.stage_path() == jobs[first].job.stage_path()) continue;
    stages.push_back({std::span(jobs).subspan(first, i - first)});
    first = i;
  }
  return stages;
}

bool counts_as_failed(const LiveJob& job) {
  return job.phase == LivePhase::kOver && job.job.status == JobStatus::kFailed && !job.job.allow_failure;
}

// Whole seconds: what changes ten times a second cannot be read.
std::string seconds_text(Millis time) {
  const Seconds whole = std::max(Seconds{0}, std::chrono::floor<Seconds>(time));
  return whole < Seconds{60} ? fmt::format("{}s", whole.count()) : format_duration(whole);
}

std::string_view mark_of(const LocalJob& job) {
  if (job.status == JobStatus::kSuccess) return "✓";
  if (job.status == JobStatus::kFailed) return job.allow_failure ? "!" : "✗";
  return "-";
}

class Frame {
 public:
  Frame(const LiveState& state, Instant now, TerminalSize size, bool color)
      : state_(state),
        now_(now),
        columns_(size.columns > 1 ? size.columns - 1 : 1),
        rows_(size.rows > 2 ? size.rows - 1 : 1),
        color_(color),
        stages_(stages_of(state.jobs)) {
    for (const LiveJob& job : state.jobs) {
      if (job.phase != LivePhase::kWaiting) name_width_ = std::max(name_width_, display_width(job.job.name));
    }
    name_width_ = std::min(name_width_, std::max<std::size_t>(columns_ * 2 / 5, 8));
  }

  std::vector<FrameLine> draw() {
    for (const Fold fold : {kNothing, kFinishedStages, kFinishedJobs, kLaterStages, kAllHeadings}) {
      lines_.clear();
      for (const Stage& stage : stages_) add_stage(stage, fold);
      if (lines_.size() < rows_) break;
    }
    if (lines_.size() >= rows_) {  // then only running jobs are left
      const std::size_t kept = rows_ > 2 ? rows_ - 2 : 0;
      const std::size_t more = lines_.size() - kept;
      lines_.resize(kept);
      if (rows_ > 1) lines_.push_back(line().add(fmt::format("  … and {} more running", more), kDim).take());
    }
    lines_.push_back(counts());
    return std::move(lines_);
  }

 private:
  LineBuilder line() const { return {columns_, color_}; }

  void add_stage(const Stage& stage, Fold fold) {
    const bool folded = fold >= kFinishedStages && stage.over();
    const bool later = !stage.begun();
    const bool heading = fold < kAllHeadings && !(fold >= kLaterStages && (later || folded));
    if (heading) {
      lines_.push_back(
          line()
              .add(stage.jobs.front().job.stage_path(), kBold)
              .add(fmt::format("  {}/{}", stage.count(LivePhase::kOver), stage.jobs.size()), kDim)
              .take());
    }
    for (const LiveJob& job : stage.jobs) {
      if (job.phase == LivePhase::kRunning) lines_.push_back(running(job));
      if (job.phase != LivePhase::kOver) continue;
      const bool hidden =
          (folded || fold >= kFinishedJobs) && (!counts_as_failed(job) || fold >= kAllHeadings);
      if (!hidden) lines_.push_back(finished(job));
    }
  }

  FrameLine running(const LiveJob& job) const {
    return line()
        .add("  ● ", kYellow)
        .add(pad_columns(job.job.name, name_width_))
        .add(fmt::format("  {:>7}  ", seconds_text(now_ - job.since)))
        .add(job.last_line, kDim)
        .take();
  }

  FrameLine finished(const LiveJob& job) const {
    const std::string time = job.job.attempts > 0 ? format_duration(job.job.duration) : "";
    const bool passed = job.job.status == JobStatus::kSuccess;
    return line()
        .add(fmt::format("  {} ", mark_of(job.job)), color_of(job.job))
        .add(pad_columns(job.job.name, name_width_))
        .add(fmt::format("  {:>7}  ", time))
        .add(passed ? "" : outcome_text(job.job), color_of(job.job))
        .take();
  }

  FrameLine counts() const {
    std::size_t over = 0;
    std::size_t failed = 0;
    std::size_t running = 0;
    for (const LiveJob& job : state_.jobs) {
      over += job.phase == LivePhase::kOver ? 1 : 0;
      failed += counts_as_failed(job) ? 1 : 0;
      running += job.phase == LivePhase::kRunning ? 1 : 0;
    }
    LineBuilder out = line();
    out.add(seconds_text(now_ - state_.begin), kBold)
        .add(fmt::format("  {} of {} done, {} running", over, state_.jobs.size(), running));
    if (failed > 0) out.add(fmt::format(", {} failed", failed), kRed);
    return out.add("   Ctrl-C cancels", kDim).take();
  }

  const LiveState& state_;
  Instant now_;
  std::size_t columns_;
  std::size_t rows_;
  bool color_;
  std::vector<Stage> stages_;
  std::size_t name_width_ = 0;
  std::vector<FrameLine> lines_;
};

}  // namespace

std::vector<FrameLine> live_frame(const LiveState& state, Instant now, TerminalSize size, bool color) {
  return Frame(state, now, size, color).draw();
}

}  // namespace tidegate::app
