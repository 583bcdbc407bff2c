// `list --json` and `lint --json`, as the command line's contract has them: one line on `out`.
#pragma once

#include <cstdio>
#include <string>

#include "config/load.h"
#include "pipeline/plan.h"

namespace tidegate::main {

/// {created, reason, name, stages, diagnostics, jobs}
void write_plan_json(std::FILE* out, const pipeline::Plan& plan, const config::Definition* definition,
                     const config::Diagnostics& diagnostics);

/// {valid, diagnostics, merged?}
void write_lint_json(std::FILE* out, const config::Diagnostics& diagnostics, const std::string* merged);

}  // namespace tidegate::main
