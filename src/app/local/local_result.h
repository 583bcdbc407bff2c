// What a local run is and was, as people and programs see it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "pipeline/machine.h"

namespace tidegate::app {

/// A job as people see it. Within a child pipeline `within` names the trigger jobs above it ("ship", "ship >
/// eu"); empty in the pipeline itself.
struct LocalJob {
  std::string name;
  std::string stage;
  std::string within;
  pipeline::JobStatus status = pipeline::JobStatus::kCreated;
  bool allow_failure = false;
  std::string executor;  ///< "docker", "shell", "pipeline" (a bridge), "none" (it could not start); empty
                         ///< when it did not run
  std::string failure_reason;  ///< of the Runner protocol
  std::optional<int> exit_code;
  std::string message;                            ///< one line for people
  std::optional<double> coverage = std::nullopt;  ///< what `coverage:` found in the log
  int attempts = 0;
  Millis duration{0};  ///< of the last attempt

  /// What tells it from all other jobs of the run: "ship > build".
  std::string path() const { return within.empty() ? name : within + " > " + name; }
  /// Its stage, told from the stages of other pipelines of the run.
  std::string stage_path() const { return within.empty() ? stage : within + " > " + stage; }
};

struct LocalResult {
  pipeline::JobStatus status = pipeline::JobStatus::kCreated;
  std::vector<LocalJob> jobs;  ///< in the plan's order; then those of child pipelines, as they began
  Millis duration{0};

  /// Exit code 0: nothing failed that must not. Jobs that wait for somebody to start them are not a failure.
  bool good() const;
};

}  // namespace tidegate::app
