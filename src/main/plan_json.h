// `list --json` and `lint --json`, as the command line's contract has them.
#pragma once

#include <string>

#include "config/load.h"
#include "pipeline/plan.h"

namespace tidegate::main {

/// {created, reason, name, stages, diagnostics, jobs}
std::string plan_json(const pipeline::Plan& plan, const config::Definition* definition,
                      const config::Diagnostics& diagnostics);

/// {valid, diagnostics, merged?}
std::string lint_json(const config::Diagnostics& diagnostics, const std::string* merged);

}  // namespace tidegate::main
