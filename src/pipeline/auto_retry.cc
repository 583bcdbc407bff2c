#include "pipeline/auto_retry.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace tidegate::pipeline {
namespace {

/// GitLab's automatic retries by reason where `retry` says nothing, and reasons that are never worth one.
/// Source: lib/gitlab/ci/build/auto_retry.rb.
constexpr std::string_view kRetriedByDefault = "scheduler_failure";
constexpr int kDefaultRetries = 2;
constexpr std::array<std::string_view, 5> kNeverRetried = {
    "ci_quota_exceeded", "no_matching_runner", "missing_dependency_failure", "forward_deployment_failure",
    "environment_creation_failure"};

}  // namespace

int max_retries(const JobState& job) {
  if (std::ranges::find(kNeverRetried, job.failure_reason) != kNeverRetried.end()) return 0;
  const auto asks_for = [&](std::string_view reason) {
    return std::ranges::find(job.retry_when, reason) != job.retry_when.end();
  };
  const bool unconditional = job.retry_when.empty() && job.retry_codes.empty();
  const bool by_code =
      job.exit_code && std::ranges::find(job.retry_codes, *job.exit_code) != job.retry_codes.end();
  if (job.retry_max > 0 && (unconditional || asks_for("always") || asks_for(job.failure_reason) || by_code)) {
    return job.retry_max;
  }
  return job.failure_reason == kRetriedByDefault ? kDefaultRetries : 0;
}

}  // namespace tidegate::pipeline
