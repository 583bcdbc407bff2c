// Where `tidegate run`, `list` and `lint` find what a configuration includes from elsewhere.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "app/local/working_copy.h"
#include "base/result.h"
#include "config/sources.h"

namespace tidegate::app {

struct IncludeSettings {
  /// "group/name", or "host/group/name" for components of that host only, to a folder. With a ref the folder
  /// must be in a Git repository, and its files are read at that ref; without one they are read as they lie.
  std::map<std::string, std::filesystem::path> projects;
  std::filesystem::path templates;  ///< folder of include:template; empty: none
};

/// GROUP/NAME=DIR for each; kInvalid names what is wrong.
Result<std::map<std::string, std::filesystem::path>> parse_project_dirs(
    const std::vector<std::string>& texts);

/// The working copy with what it may include. The project `own_path` is the working copy itself when the ref
/// is absent, its branch or its commit. What is remote is the
/// caller's to add.
config::Sources include_sources(const WorkingCopy& copy, const std::string& own_path,
                                const IncludeSettings& settings);

}  // namespace tidegate::app
