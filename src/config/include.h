// `include`: other files of the repository merged below this one. Runs first of all passes.
#pragma once

#include <string>

#include "config/findings.h"
#include "config/load.h"
#include "config/merge.h"
#include "config/yaml.h"

namespace tidegate::config {

/// `root` (found at `file`) with its includes merged below it and the keyword removed. An included file's own
/// includes come first; a later include wins over an earlier one, and the including file over all. At most
/// 150 files in all. Other kinds than include:local are findings. Source: docs.gitlab.com/ci/yaml/includes,
/// Ci::Config::External::Processor.
yaml::NodePtr expand_includes(const yaml::NodePtr& root, const std::string& file, const Sources& sources,
                              Findings& out, Budget& budget);

}  // namespace tidegate::config
