// The names of job statuses, and which of them are final.
#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <string_view>

#include "pipeline/machine.h"

namespace tidegate::pipeline {
namespace {

constexpr std::array<std::string_view, 13> kStatusNames = {"created",   "waiting_for_resource",
                                                           "preparing", "waiting_for_callback",
                                                           "pending",   "running",
                                                           "success",   "failed",
                                                           "canceling", "canceled",
                                                           "skipped",   "manual",
                                                           "scheduled"};

}  // namespace

std::string_view to_string(JobStatus status) {
  return kStatusNames.at(static_cast<std::size_t>(status));
}

std::optional<JobStatus> parse_job_status(std::string_view text) {
  const auto found = std::ranges::find(kStatusNames, text);
  if (found == kStatusNames.end()) return std::nullopt;
  return static_cast<JobStatus>(found - kStatusNames.begin());
}

bool is_completed(JobStatus status) {
  using enum JobStatus;
  return status == kSuccess || status == kFailed || status == kCanceled || status == kSkipped;
}

}  // namespace tidegate::pipeline
