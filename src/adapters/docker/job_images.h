// Getting the images of a job by its pull policies.
#pragma once

#include <string>
#include <vector>

#include "adapters/docker/engine_client.h"
#include "app/ports/executor.h"
#include "base/result.h"
#include "pipeline/job_message.h"

namespace tidegate::docker {

/// Makes sure that the engine has the image. Policies (always, if-not-present, never) are tried in order;
/// none: if-not-present. kFailed: none of them gave it, with the engine's words; kInvalid: no such policy;
/// kUnavailable: no engine.
Result<ImageInfo> get_image(EngineClient& engine, const pipeline::JobImage& image,
                            const std::vector<pipeline::JobCredentials>& credentials,
                            const app::OnOutput& on_output, const sys::StopFlag& cancel);

}  // namespace tidegate::docker
