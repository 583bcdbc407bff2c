// Which jobs of a plan are run when some are named.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "pipeline/plan.h"

namespace tidegate::app {

/// What the person asked for.
struct JobChoice {
  std::vector<std::string> jobs;  ///< only these; empty: all. The name of a parallel job means all its parts
  bool with_needs = false;        ///< with everything they wait for
  std::vector<std::string> manual{};  ///< manual jobs that are started too
};

/// What is run.
struct ChosenJobs {
  std::set<std::string> jobs;
  /// Those that somebody asked for by name, or that were asked for together with them: manual ones among them
  /// are started, and those with `when: on_failure` do not wait for one.
  std::set<std::string> started;
};

/// `with_needs` brings a job's needs, or without `needs` all jobs of earlier stages (but manual ones, which
/// nobody started). A manual job stands among the `started` when it was named or is a need of one that was.
/// Errors: kNotFound (a name that is no job, with the nearest one), kInvalid (a job that is not in this
/// pipeline, with its reason; a job of `manual` that is not manual).
Result<ChosenJobs> choose_jobs(const pipeline::Plan& plan, const JobChoice& choice);

}  // namespace tidegate::app
