// The pipeline of a directory: its definition, and the context that the command line and Git give.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "config/load.h"
#include "pipeline/plan.h"

namespace tidegate::main {

/// Options that list, lint and run share (design: "Context").
struct LocalOptions {
  std::filesystem::path directory = ".";
  std::string file = ".gitlab-ci.yml";
  std::string ref;  ///< empty: Git's branch, else "main"
  bool tag = false;
  std::string default_branch;  ///< empty: Git's, else "main"
  std::string source = "push";
  std::vector<std::pair<std::string, std::string>> variables;
  std::vector<std::string> changed;
  bool changed_unknown = false;
};

/// The configuration file of the directory with its includes. kNotFound when the file is not there.
Result<config::Loaded> load_directory(const LocalOptions& options);

/// Without --changed and --changed-unknown, what Git says differs between HEAD and its parent, and what is
/// not committed; without Git, changes are unknown.
pipeline::Context context_of(const LocalOptions& options);

/// Files of the directory that Git tracks or would track; without Git all files. Relative, sorted.
std::vector<std::string> files_of(const std::filesystem::path& directory);

}  // namespace tidegate::main
