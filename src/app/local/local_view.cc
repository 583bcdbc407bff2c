#include "app/local/local_view.h"

#include <algorithm>

#include <fmt/core.h>

#include "app/local/trace_lines.h"
#include "base/text.h"

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

std::size_t name_width(const pipeline::Plan& plan) {
  std::size_t width = 0;
  for (const pipeline::PlannedJob& job : plan.jobs) {
    if (job.created) width = std::max(width, job.name.size());
  }
  return std::min(width, kWidest);
}

std::string LocalView::painted(std::string_view text, std::string_view color) const {
  return settings_.color ? fmt::format("{}{}{}", color, text, kReset) : std::string(text);
}

void LocalView::stage_started(const std::string& stage) {
  write_(painted(fmt::format("== stage {}", printable(stage)), kBold) + "\n");
}

void LocalView::job_started(const LocalJob& job) {
  const std::string again = job.attempts > 1 ? fmt::format(", attempt {}", job.attempts) : "";
  write_(fmt::format("{:{}} | {}\n", job.name, settings_.name_width,
                     painted(fmt::format("started ({}{})", job.executor, again), kDim)));
}

void LocalView::job_line(const std::string& job, const std::string& section, std::string_view line) {
  const std::string plain = without_escapes(line);
  const bool trouble = plain.starts_with("WARNING: ") || plain.starts_with("ERROR: ");
  if (!settings_.verbose && !trouble && !belongs_to_scripts(section)) return;
  if (!settings_.verbose && plain.starts_with("Executing \"step_")) return;
  if (settings_.color) {
    write_(fmt::format("{:{}} | {}{}\n", job, settings_.name_width, line, kReset));
  } else {
    write_(fmt::format("{:{}} | {}\n", job, settings_.name_width, plain));
  }
}

void LocalView::job_ended(const LocalJob& job) {
  write_(fmt::format("{:{}} | {} in {}\n", job.name, settings_.name_width,
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
    write_(fmt::format("  {:{}}  {:>8}  {}\n", job.name, settings_.name_width, time,
                       painted(outcome_text(job), color_of(job.status, job.allow_failure))));
  }
  write_(fmt::format("pipeline {} in {}\n",
                     painted(pipeline::to_string(result.status), result.good() ? kGreen : kRed),
                     format_duration(result.duration)));
}

}  // namespace tidegate::app
