// Probe: the part of a pipeline that may be run again to find out why it failed, without anybody noticing.
// Pure.
#pragma once

#include <string>
#include <vector>

#include "pipeline/plan.h"

namespace tidegate::pipeline {

/// Whether a job changes something outside of its pipeline, as far as can be told: it has an environment or a
/// release, it starts a pipeline, or its script runs one of `tidegate deploy`, `tidegate load` (without
/// --check), `docker push`, `ssh`, … What it starts by way of a script of the project is not seen.
bool delivers(const PlannedJob& job);
/// The same of a job that is stored.
bool delivers(const JobMessage& message, bool has_environment, bool is_bridge);

struct ProbeJobs {
  std::vector<std::string> jobs;  ///< to be run; in the plan's order
  std::string refusal;            ///< why nothing can be told by running them; then `jobs` is empty
};

/// The jobs of `failed` and all that they wait for. Refused when one of those delivers, waits for a person or
/// is not in the plan: without it the outcome would say nothing.
ProbeJobs probe_jobs(const Plan& plan, const std::vector<std::string>& failed);

/// Leaves only these jobs in the plan.
void keep_only(Plan& plan, const std::vector<std::string>& jobs);

}  // namespace tidegate::pipeline
