// `tidegate serve`: everything wired into one process.
#pragma once

#include "base/result.h"
#include "main/server_config.h"

namespace tidegate::main {

/// Runs until SIGINT or SIGTERM, then stops cleanly: no new work, jobs ended and left to be taken up again.
Status serve(const ServerConfig& config);

}  // namespace tidegate::main
