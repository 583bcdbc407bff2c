// What must hold between the jobs of a configuration, before any rule is evaluated.
#pragma once

#include "config/definition.h"
#include "config/findings.h"

namespace tidegate::config {

/// Stages exist; needs and dependencies name jobs that are there and not later; at most 50 needs, no cycles;
/// on_stop jobs fit. With an incomplete configuration, unknown names are not reported.
void check_definition(const Definition& definition, Findings& out);

}  // namespace tidegate::config
