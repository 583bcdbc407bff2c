// Checks of a deployment request before anything is tried.
#pragma once

#include "app/deploy/deployer.h"
#include "app/ports/image_registry.h"
#include "base/result.h"

namespace tidegate::app {

/// kInvalid when a name cannot be a folder, a path leads out, or a member is named twice.
Status check_target(const config::Target& target);

/// Is this image the one that was tested, and may it go out? kDenied: its revision label names another
/// commit, or the digest is quarantined.
Status check_image(const DeployRequest& request, const ImageInfo& image);

}  // namespace tidegate::app
