// All that can be said about a project's configuration before there is a pipeline: the one answer of the
// command line and of the API.
#pragma once

#include <string>
#include <vector>

#include "config/load.h"

namespace tidegate::app {

struct LintReport {
  bool valid = false;  ///< the pipeline file has no errors
  /// Of the pipeline file, its rules, the advice, and of tidegate.yml: in the order of the files and their
  /// lines.
  config::Diagnostics diagnostics;
};

/// `loaded` came from `sources`, which are also asked for tidegate.yml, for the files that it binds data in
/// and for Dockerfiles. Warnings of the codes in `disabled` are left out, and those that tidegate.yml
/// (`lint: {disable: […]}`) or comments switch off.
LintReport lint_project(const config::Loaded& loaded, const config::Sources& sources,
                        const std::vector<std::string>& disabled = {});

/// The first of these codes that no warning has, with the nearest that one has; empty: all are known.
std::string unknown_lint(const std::vector<std::string>& codes);

}  // namespace tidegate::app
