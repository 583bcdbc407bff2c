// Artifacts of jobs before, and of this one.
#pragma once

#include "app/runner/job_context.h"
#include "base/result.h"

namespace tidegate::app {

/// Unpacks the archives of all dependencies that have one into the project folder, in order: later ones
/// replace files of earlier ones.
Status download_artifacts(JobContext& job);

/// Packs and uploads what `artifacts:` names and the outcome asks for. Patterns that find nothing are a
/// warning, as on GitLab; a failed upload is an error, after the others have been tried.
Status upload_artifacts(JobContext& job, bool success);

}  // namespace tidegate::app
