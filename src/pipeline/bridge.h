// Bridges: jobs that start or follow another pipeline, as a plan has them.
// Source: GitLab's Ci::Bridge and Ci::CreateDownstreamPipelineService; docs "Downstream pipelines".
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "base/result.h"
#include "config/definition.h"
#include "pipeline/job_message.h"
#include "pipeline/variables.h"

namespace tidegate::pipeline {

enum class BridgeKind : std::uint8_t {
  kNone,      ///< a job with a script
  kChild,     ///< starts a pipeline of the same commit from other files
  kProject,   ///< starts a pipeline of another project
  kUpstream,  ///< starts nothing and mirrors the latest pipeline of another project
};

/// What a bridge asks for. Texts and values may still hold references to what is known only when it starts
/// (ids, dotenv reports): downstream_of() puts those in.
struct Bridge {
  BridgeKind kind = BridgeKind::kChild;
  config::TriggerStrategy strategy = config::TriggerStrategy::kNone;
  std::string project;     ///< kProject, kUpstream
  std::string branch;      ///< kProject; empty: the default branch
  std::string include;     ///< kChild: its configuration as YAML
  std::string inputs;      ///< kProject: YAML
  JobVariables variables;  ///< the YAML variables that are handed on
  bool forward_pipeline_variables = false;
  config::Place place;  ///< of `trigger`, for what is wrong with the child's includes

  friend bool operator==(const Bridge&, const Bridge&) = default;
};

/// A bridge that starts: everything expanded, and the pipeline variables of the new pipeline.
struct Downstream {
  std::string project;
  std::string branch;
  JobVariables variables;  ///< one of each name
};

/// `of_bridge`: all variables of the job, weakest first, with ids and what its needs reported; `reported`:
/// the latter alone; `of_pipeline`: the pipeline variables of its own pipeline. Undefined names become blank;
/// file variables that a value refers to go along instead of being written into it.
Downstream downstream_of(const Bridge& bridge, const JobVariables& of_bridge, const JobVariables& reported,
                         const JobVariables& of_pipeline);

/// GitLab: a pipeline may have children and grandchildren, no deeper.
constexpr std::size_t kMaxChildDepth = 2;
/// GitLab: pipelines in one tree of triggers.
constexpr std::size_t kMaxFamily = 1000;

}  // namespace tidegate::pipeline
