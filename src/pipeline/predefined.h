// Predefined variables that follow from the Context and the job. Source: GitLab docs "Predefined CI/CD
// variables", lib/gitlab/ci/variables/builder.rb.
#pragma once

#include <string>
#include <string_view>

#include "config/instances.h"
#include "pipeline/plan.h"

namespace tidegate::pipeline {

/// True for a branch; false for a tag and for a merge request.
bool is_branch(const Context& context);

/// CI, CI_COMMIT_*, CI_PIPELINE_SOURCE, …: the same for every job of the pipeline.
JobVariables pipeline_predefined(const Context& context);

/// CI_JOB_NAME, CI_JOB_STAGE, CI_NODE_INDEX, CI_NODE_TOTAL, CI_JOB_MANUAL, …
JobVariables job_predefined(const config::Instance& instance, config::When when);

/// CI_ENVIRONMENT_NAME, _SLUG, _ACTION, _TIER, _URL; `name` is the expanded name.
JobVariables environment_predefined(const config::Environment& environment, const std::string& name);

/// At most 24 characters for host names; a name that had to be changed gets a suffix that keeps it unique.
/// Source: lib/gitlab/slug/environment.rb.
std::string environment_slug(std::string_view name);

/// production, staging, testing, development or other, guessed from the name as GitLab does.
std::string environment_tier(std::string_view name);

}  // namespace tidegate::pipeline
