// Resource groups: jobs of one group run one at a time, across the pipelines of a project.
// Source: GitLab CI/CD YAML reference, resource_group; "Resource group", process modes;
// app/models/ci/resource_group.rb, app/services/ci/resource_groups.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/id.h"
#include "pipeline/machine.h"

namespace tidegate::pipeline {

enum class ProcessMode : std::uint8_t {
  kUnordered,         ///< whoever waits; here in the order of the jobs' ids
  kOldestFirst,       ///< by pipeline; one that comes before may be waited for though it is not ready
  kNewestFirst,       ///< likewise, the newest pipeline first
  kNewestReadyFirst,  ///< of those that wait, the newest pipeline's
};
std::string_view to_string(ProcessMode mode);
std::optional<ProcessMode> parse_process_mode(std::string_view text);

/// A job of the group.
struct ResourceUser {
  PipelineId pipeline;
  JobId job;
  JobStatus status = JobStatus::kCreated;
};

/// Whether a job in this status has the group's one resource.
bool holds_resource(JobStatus status);

/// The job that gets the resource now. Nothing: it is held, nobody waits for it, or the mode waits for a job
/// that has not come so far. Users may come in any order; retried jobs are left out by the caller.
std::optional<JobId> next_holder(const std::vector<ResourceUser>& users, ProcessMode mode);

}  // namespace tidegate::pipeline
