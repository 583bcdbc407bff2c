// `extends`: each entry that names parents gets them merged below itself. Runs after include.
#pragma once

#include "config/findings.h"
#include "config/merge.h"
#include "config/yaml.h"

namespace tidegate::config {

/// The same map with every top-level `extends` carried out and removed: parents merge in their order, later
/// ones win, the entry itself wins over all. At most 11 levels; unknown parents, parents that are no hash,
/// cycles and deeper chains are errors. Source: GitLab's Ci::Config::Extendable.
yaml::NodePtr apply_extends(const yaml::NodePtr& root, Findings& out, Budget& budget);

}  // namespace tidegate::config
