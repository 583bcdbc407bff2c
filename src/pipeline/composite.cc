// GitLab's composite status: lib/gitlab/ci/status/composite.rb (17–18), as the reference gives it.
#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "pipeline/machine.h"
#include "pipeline/status_set.h"

namespace tidegate::pipeline {

void StatusSet::add(const JobState& job) {
  const JobStatus status = effective_status(job);
  if (job.allow_failure && (status == JobStatus::kFailed || status == JobStatus::kCanceled)) {
    bits_ |= kSuccessWithWarnings;
  } else if (job.allow_failure && status == JobStatus::kManual) {
    bits_ |= kIgnored;
  } else {
    bits_ |= bit(status);
  }
}

std::optional<JobStatus> StatusSet::composite(bool dag) const {
  using enum JobStatus;
  const auto b = [](JobStatus status) { return bit(status); };
  const std::uint32_t warned = kSuccessWithWarnings | kIgnored;
  if (bits_ == 0) return std::nullopt;
  if (dag && any(b(kSkipped) | kIgnored)) return kSkipped;
  if (only(b(kSkipped) | kIgnored)) return kSkipped;
  if (only(b(kSuccess) | b(kSkipped) | warned)) return kSuccess;
  if (only(b(kCreated) | warned)) return kCreated;
  if (only(b(kPreparing) | warned)) return kPreparing;
  if (only(b(kCanceled) | b(kSuccess) | b(kSkipped) | warned)) return kCanceled;
  if (only(b(kPending) | b(kCreated) | b(kSkipped) | warned)) return kPending;
  if (any(b(kRunning) | b(kPending))) return kRunning;
  for (const auto status :
       std::array{kWaitingForResource, kWaitingForCallback, kManual, kScheduled, kPreparing}) {
    if (any(b(status))) return status;
  }
  if (any(b(kCreated))) return kRunning;
  if (any(b(kCanceling))) return kCanceling;
  return kFailed;
}

JobStatus effective_status(const JobState& job) {
  return job.status == JobStatus::kFailed && job.retry_due ? JobStatus::kPending : job.status;
}

std::optional<JobStatus> composite(const std::vector<const JobState*>& jobs, bool dag) {
  StatusSet set;
  for (const auto* job : jobs) set.add(*job);
  return set.composite(dag);
}

}  // namespace tidegate::pipeline
