// How often a failed job is tried again by itself.
#pragma once

#include "pipeline/machine.h"

namespace tidegate::pipeline {

/// Retries that the job's failure (reason, exit code) is worth, by its `retry` and by GitLab's defaults; 0:
/// none. Source: lib/gitlab/ci/build/auto_retry.rb.
int max_retries(const JobState& job);

}  // namespace tidegate::pipeline
