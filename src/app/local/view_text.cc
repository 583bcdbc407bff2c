#include "app/local/view_text.h"

#include <algorithm>

#include <fmt/core.h>

#include "base/text.h"
#include "base/width.h"

namespace tidegate::app {

using pipeline::JobStatus;

std::string painted(bool on, std::string_view text, std::string_view color) {
  return on ? fmt::format("{}{}{}", color, text, kReset) : std::string(text);
}

std::string_view color_of(const LocalJob& job) {
  if (job.status == JobStatus::kSuccess) return kGreen;
  if (job.status == JobStatus::kFailed) return job.allow_failure ? kYellow : kRed;
  return job.status == JobStatus::kCanceled ? kYellow : kDim;
}

std::string outcome_text(const LocalJob& job) {
  std::string text(pipeline::to_string(job.status));
  const bool failed = job.status == JobStatus::kFailed;
  if (failed && !job.message.empty()) text += ": " + job.message;
  if (failed && job.allow_failure) text += " (allowed)";
  return text;
}

bool is_for_people(const std::string& section, std::string_view plain) {
  if (plain.starts_with("WARNING: ") || plain.starts_with("ERROR: ")) return true;
  if (plain.starts_with("Executing \"step_")) return false;
  return section.starts_with("step_") || section == "after_script" || section == "release" ||
         section == "pre_get_sources_script" || section.starts_with("upload_artifacts");
}

std::string run_summary(const LocalResult& result, bool color) {
  constexpr std::size_t kMost = 50;
  std::size_t width = 0;
  for (const LocalJob& job : result.jobs) width = std::max(width, display_width(job.path()));
  width = std::min(width, kMost);
  std::string out = "\n";
  std::string stage;
  for (const LocalJob& job : result.jobs) {
    if (job.stage_path() != stage) {
      stage = job.stage_path();
      out += painted(color, printable(stage), kBold) + "\n";
    }
    const std::string time = job.attempts > 0 ? format_duration(job.duration) : "";
    const std::string again = job.attempts > 1 ? fmt::format(" (attempt {})", job.attempts) : "";
    out += fmt::format("  {}  {:>8}  {}{}\n", pad_columns(job.path(), width), time,
                       painted(color, printable(outcome_text(job), 400), color_of(job)), again);
  }
  return out + fmt::format("pipeline {} in {}\n",
                           painted(color, pipeline::to_string(result.status), result.good() ? kGreen : kRed),
                           format_duration(result.duration));
}

}  // namespace tidegate::app
