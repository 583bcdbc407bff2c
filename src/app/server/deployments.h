// What a job's life means for the environment that it names. State thread only.
#pragma once

#include "app/ports/store.h"
#include "base/result.h"
#include "base/time.h"

namespace tidegate::app {

/// Notes in the store what the job's new status means: `start` makes a deployment and, when it succeeds, the
/// environment available with its address; `stop` ends it; `prepare` and `access` only put off its automatic
/// stop; `verify` changes nothing. Once more for the same status changes nothing. Source: GitLab CI/CD YAML
/// reference, environment:action.
Status record_deployment(Store& store, const Job& job, const Pipeline& pipeline, Instant now);

}  // namespace tidegate::app
