// `include` and `spec:inputs`: other files merged below this one, each with its inputs. Runs first of all
// passes.
#pragma once

#include <string>

#include "config/document.h"
#include "config/findings.h"
#include "config/merge.h"
#include "config/sources.h"
#include "config/yaml.h"

namespace tidegate::config {

/// The content of a configuration (found at `file`) with its inputs in place, its includes merged below it
/// and the keyword removed. An included file's own includes come first; a later include wins over an earlier
/// one, and the including file over all. At most 150 files in all, the same one counted each time; a file
/// that includes itself with the same inputs is refused. A null pointer when the inputs of the configuration
/// itself do not fit. Source: docs.gitlab.com/ci/yaml/includes, Ci::Config::External::Processor.
yaml::NodePtr expand_includes(const Document& document, const std::string& file, const Sources& sources,
                              Findings& out, Budget& budget);

}  // namespace tidegate::config
