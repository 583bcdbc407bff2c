// Where the parts of a configuration came from: what explains the place of a finding, and what nobody uses.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "config/diagnostic.h"
#include "config/yaml.h"

namespace tidegate::config {

struct Origins {
  std::string file;                          ///< the first file
  yaml::NodePtr tree;                        ///< after include, before extends and !reference; may be null
  std::map<std::string, Place> included_at;  ///< each other file, and the first `include` that brought it
  std::vector<yaml::AnchorNote> anchors;     ///< of all files
  std::vector<yaml::AlteredScalar> altered;
  bool incomplete = false;  ///< a part could not be read
};

/// Fills `via` of findings whose place lies outside of their job's own text: by which extends, !reference,
/// default or alias it came into the job, and by which includes into the configuration.
void trace(Diagnostics& diagnostics, const Origins& origins);

}  // namespace tidegate::config
