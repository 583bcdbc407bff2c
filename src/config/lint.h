// Advice: what is allowed, runs, and is still a mistake. Warnings only, and only where there is hardly a
// doubt.
#pragma once

#include "config/definition.h"

namespace tidegate::config {

/// Looks at the jobs' scripts and images for the usual faults of container pipelines: a `latest` tag pushed
/// before the test, a push without login, a here-document folded into one line, an image without a tag, an
/// image run in another job than the one that built it, a key file that no runner has, pytest in an image
/// that does not have it, an upgrade in place under a running service. At most one warning of a kind for each
/// job.
Diagnostics lint(const Definition& definition);

}  // namespace tidegate::config
