// `!reference [job, key, …]`: a value taken from elsewhere in the configuration. Runs after extends.
#pragma once

#include "config/findings.h"
#include "config/yaml.h"

namespace tidegate::config {

/// The same tree with every reference replaced by what it names, resolved in its turn.
/// A list taken into a list stays a list of its own; keywords that flatten do so when they are read.
/// A missing target and a cycle are errors. Null when the result would be too large to go on with. Source:
/// GitLab's Ci::Config::Yaml::Tags.
yaml::NodePtr resolve_references(const yaml::NodePtr& root, Findings& out);

}  // namespace tidegate::config
