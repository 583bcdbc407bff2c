// The whole tree to a Definition.
#pragma once

#include "config/definition.h"
#include "config/findings.h"
#include "config/yaml.h"

namespace tidegate::config {

/// Reads the resolved tree. Complete only when no error was found.
Definition read_definition(const yaml::Node& root, Findings& out);

}  // namespace tidegate::config
