// The git program, as `tidegate run` and its kin ask it.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/result.h"

namespace tidegate::app {

/// What `git ARGUMENTS…` prints in the directory. It takes no locks, asks nobody and speaks English.
Result<std::string> run_git(const std::filesystem::path& directory, std::vector<std::string> arguments);

}  // namespace tidegate::app
