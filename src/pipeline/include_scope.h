// What includes and inputs of a configuration may know of the pipeline that it is read for.
#pragma once

#include "config/include_scope.h"
#include "pipeline/plan.h"

namespace tidegate::pipeline {

/// Answers from the context: its project, pipeline and predefined variables (no YAML variable is known while
/// includes are read), its changed paths, and the tree of whatever repository an include stands in. `context`
/// must outlive the answer and stay as it is; not for several threads. Source: GitLab docs "Use variables
/// with include", "Use rules with include".
config::IncludeScope include_scope(const Context& context);

}  // namespace tidegate::pipeline
