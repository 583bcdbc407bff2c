// `secrets:` from files of the runner.
#pragma once

#include "app/runner/run_job.h"
#include "base/result.h"
#include "pipeline/job_message.h"

namespace tidegate::app {

/// The variables that `message.secrets` ask for, masked, from files named as the variables:
/// `<secrets_directory>/<project path>/<NAME>`, else `<secrets_directory>/<NAME>`. One line end at the end of
/// a file is left out. kDenied: the ref is not protected; kNotFound: no such file, and what to do.
Result<pipeline::JobVariables> read_secrets(const pipeline::JobMessage& message,
                                            const RunnerSettings& settings);

}  // namespace tidegate::app
