#include "app/local/local_view.h"

#include <algorithm>

#include <fmt/core.h>

#include "app/local/trace_lines.h"
#include "app/local/view_text.h"
#include "base/text.h"
#include "base/width.h"

namespace tidegate::app {

namespace {

constexpr std::size_t kWidest = 40;

}  // namespace

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
    write_(painted(settings_.color, fmt::format("== stage {}", printable(job.stage_path())), kBold) + "\n");
  const std::string again = job.attempts > 1 ? fmt::format(", attempt {}", job.attempts) : "";
  write_(prefix(job.path()) +
         painted(settings_.color, fmt::format("started ({}{})", job.executor, again), kDim) + "\n");
}

void LocalView::job_line(const std::string& job, const std::string& section, std::string_view line) {
  const std::string plain = without_escapes(line);
  if (!settings_.verbose && !is_for_people(section, plain)) return;
  write_(prefix(job) + (settings_.color ? with_colors_only(line) + std::string(kReset) : plain) + "\n");
}

void LocalView::job_ended(const LocalJob& job) {
  write_(fmt::format("{}{} in {}\n", prefix(job.path()),
                     painted(settings_.color, outcome_text(job), color_of(job)),
                     format_duration(job.duration)));
}

void LocalView::notice(std::string_view text) {
  write_(painted(settings_.color, fmt::format("-- {}", text), kYellow) + "\n");
}

void LocalView::summary(const LocalResult& result) {
  write_(run_summary(result, settings_.color));
}

}  // namespace tidegate::app
