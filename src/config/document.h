// One file of a configuration: YAML text to the root map, with its header told apart.
#pragma once

#include <string>
#include <string_view>

#include "config/findings.h"
#include "config/yaml.h"

namespace tidegate::config {

/// The content of one pipeline file: a map, or null when it cannot be read (then there is an error). An empty
/// file is an error, a `spec` header a finding.
yaml::NodePtr read_document(std::string_view text, const std::string& file, Findings& out);

}  // namespace tidegate::config
