// Child pipelines: from a bridge to the plan of the pipeline that it starts. Pure.
#pragma once

#include "config/load.h"
#include "pipeline/bridge.h"
#include "pipeline/plan.h"

namespace tidegate::pipeline {

/// What a child is created for: the same commit, source `parent_pipeline`, its own pipeline variables.
/// Source: GitLab's Ci::Bridge#child_params.
Context child_context(const Context& parent, JobVariables variables);

/// Loads what the bridge includes and compiles it. `context` is the child's, `sources` are those of the
/// parent's commit, with `artifact` for files that its jobs made; their scope and inputs are replaced. Like
/// compile(), it refuses by diagnostics; those about the includes themselves stand at the bridge.
Plan plan_child(const Bridge& bridge, const Context& context, config::Sources sources);

/// Why a plan is no pipeline, in one line: its first error, or its reason.
std::string refusal_of(const Plan& plan);

}  // namespace tidegate::pipeline
