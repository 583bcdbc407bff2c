#include "app/local/local_view.h"

#include <algorithm>

#include <fmt/core.h>

#include "app/local/trace_lines.h"
#include "base/text.h"
#include "base/width.h"

namespace tidegate::app {

using pipeline::JobStatus;

namespace {

constexpr std::string_view kBold = "\x1b[1m";
constexpr std::string_view kDim = "\x1b[2m";
constexpr std::string_view kGreen = "\x1b[32m";
constexpr std::string_view kRed = "\x1b[31m";
constexpr std::string_view kYellow = "\x1b[33m";
constexpr std::string_view kReset = "\x1b[0m";
constexpr std::size_t kWidest = 40;

std::string_view color_of(JobStatus status, bool allow_failure) {
  if (status == JobStatus::kSuccess) return kGreen;
  if (status == JobStatus::kFailed) return allow_failure ? kYellow : kRed;
  return status == JobStatus::kCanceled ? kYellow : kDim;
}

// "failed: exit code 1 (allowed)"
std::string outcome_text(const LocalJob& job) {
  std::string text(pipeline::to_string(job.status));
  const bool failed = job.status == JobStatus::kFailed;
  if (failed && !job.message.empty()) text += ": " + job.message;
  if (failed && job.allow_failure) text += " (allowed)";
  return text;
}

bool belongs_to_scripts(const std::string& section) {
  return section.starts_with("step_") || section == "after_script" || section.starts_with("upload_artifacts");
}

}  // namespace

std::string LocalView::painted(std::string_view text, std::string_view color) const {
  return settings_.color ? fmt::format("{}{}{}", color, text, kReset) : std::string(text);
}

void LocalView::jobs_planned(const std::vector<LocalJob>& jobs) {
  for (const LocalJob& job : jobs)
    name_width_ = std::max(name_width_, std::min(display_width(job.path()), kWidest));
}

std::string LocalView::prefix(const std::string& job) const {
  const std::size_t width = display_width(job);
  return printable(job, job.size() * 4 + 1) +
         std::string(width < name_width_ ? name_width_ - width : 0, ' ') + " | ";
}

void LocalView::job_started(const LocalJob& job) {
  if (started_stages_.insert(job.stage_path()).second)
    write_(painted(fmt::format("== stage {}", printable(job.stage_path())), kBold) + "\n");
  const std::string again = job.attempts > 1 ? fmt::format(", attempt {}", job.attempts) : "";
  write_(prefix(job.path()) + painted(fmt::format("started ({}{})", job.executor, again), kDim) + "\n");
}

void LocalView::job_line(const std::string& job, const std::string& section, std::string_view line) {
  const std::string plain = without_escapes(line);
  const bool trouble = plain.starts_with("WARNING: ") || plain.starts_with("ERROR: ");
  if (!settings_.verbose && !trouble && !belongs_to_scripts(section)) return;
  if (!settings_.verbose && plain.starts_with("Executing \"step_")) return;
  write_(prefix(job) + (settings_.color ? fmt::format("{}{}\n", line, kReset) : plain + "\n"));
}

void LocalView::job_ended(const LocalJob& job) {
  write_(fmt::format("{}{} in {}\n", prefix(job.path()),
                     painted(outcome_text(job), color_of(job.status, job.allow_failure)),
                     format_duration(job.duration)));
}

void LocalView::notice(std::string_view text) {
  write_(painted(fmt::format("-- {}", text), kYellow) + "\n");
}

void LocalView::summary(const LocalResult& result) {
  write_("\n");
  for (const LocalJob& job : result.jobs) {
    const std::string time = job.attempts > 0 ? format_duration(job.duration) : "";
    write_(fmt::format("  {}  {:>8}  {}\n", pad_columns(job.path(), name_width_), time,
                       painted(outcome_text(job), color_of(job.status, job.allow_failure))));
  }
  write_(fmt::format("pipeline {} in {}\n",
                     painted(pipeline::to_string(result.status), result.good() ? kGreen : kRed),
                     format_duration(result.duration)));
}

}  // namespace tidegate::app
