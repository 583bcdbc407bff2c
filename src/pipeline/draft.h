// Inside the compiler: one job on its way from Definition to Plan.
#pragma once

#include <cstddef>
#include <vector>

#include "base/result.h"
#include "config/definition.h"
#include "config/instances.h"
#include "pipeline/plan.h"
#include "pipeline/rules.h"

namespace tidegate::pipeline {

struct Draft {
  const config::Job* job = nullptr;
  const config::Instance* instance = nullptr;
  std::size_t stage = 0;   ///< index into the definition's stages
  config::Variables yaml;  ///< global, workflow, job, rule: merged, as written
  /// Of the rule that matched, else of the job; nothing: by stage.
  const std::vector<config::Need>* needs = nullptr;
  bool needs_of_rule = false;  ///< there GitLab takes a need's name as it stands, also of a parallel job
  PlannedJob& planned;         ///< of the plan under construction, which outlives the draft
};

/// Fills planned.needs of the created drafts. Reports needs that are not in the pipeline, too many of them,
/// and cycles.
void resolve_needs(std::vector<Draft>& drafts, const config::Instances& instances,
                   config::Diagnostics& diagnostics);

/// Fills message.dependencies of the created drafts, which are in the order of stages. An error when the
/// pipeline would hand artifacts around more than 500,000 times.
void resolve_dependencies(std::vector<Draft>& drafts, config::Diagnostics& diagnostics);

/// planned.bridge, when the job is one. `expanded`: its variables, as they go to runners.
void build_bridge(Draft& draft, const VariableIndex& expanded);

/// Expands what every plan shows: tags, environment, resource_group, image, yaml_variables, bridge, jobs
/// elsewhere. An error is a cycle of variables.
Status outline_job(Draft& draft, VariableScope& variables);

/// The rest of planned.message (but for its dependencies), and planned.options.
Status build_message(Draft& draft, VariableScope& variables, const Context& context);

}  // namespace tidegate::pipeline
