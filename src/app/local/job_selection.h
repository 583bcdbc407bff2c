// Which jobs of a plan are run when some are named.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "pipeline/plan.h"

namespace tidegate::app {

/// The named jobs and everything they wait for: their needs, or without `needs` all jobs of earlier stages
/// (but manual ones, which nobody started). No names: all jobs that were created. Errors as of run_pipeline.
Result<std::set<std::string>> select_jobs(const pipeline::Plan& plan, const std::vector<std::string>& names);

}  // namespace tidegate::app
