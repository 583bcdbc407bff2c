// Advice: what is allowed, runs, and is still a mistake. Each lint has a code of its own
// (docs/reference/lints.md) and can be switched off.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/diagnostic.h"
#include "config/load.h"

namespace tidegate::pipeline::lints {

/// The codes of all lints.
std::vector<std::string> lint_codes();

/// What the lints say of a configuration, also of one with errors as far as it could be read. `sources` is
/// the tree that it stands in: lints read Dockerfiles and look for files there. Warnings, each with job and
/// place. Pure but for what `sources` does; bounded by the size of the configuration.
config::Diagnostics lint(const config::Loaded& loaded, const config::Sources& sources);

/// Removes the warnings that are switched off: by code, or by a comment in the text of their file,
///   # tidegate-lint: disable=code[,code]        at the end of the line, or alone on the line above
///   # tidegate-lint: disable-file=code[,code]   anywhere in the file
/// `all` stands for every code. Errors stay. Files are read through `sources`; of those that are not there,
/// comments count for nothing.
void drop_disabled(config::Diagnostics& found, const std::vector<std::string>& codes,
                   const config::Sources& sources);

}  // namespace tidegate::pipeline::lints
