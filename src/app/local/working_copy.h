// The directory that `tidegate run`, `list` and `lint` work on, with its uncommitted changes.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "config/load.h"
#include "pipeline/plan.h"
#include "pipeline/predefined.h"

namespace tidegate::app {

struct WorkingCopy {
  std::filesystem::path root;   ///< absolute
  bool git = false;             ///< inside a repository that has a commit
  bool top_level = false;       ///< the repository's own root
  std::string sha;              ///< HEAD
  std::string branch = "main";  ///< "HEAD" when detached
  std::string default_branch = "main";
  pipeline::Commit commit;             ///< of HEAD
  pipeline::UserFacts user;            ///< as Git is configured; the login is the address up to its @
  std::vector<std::string> files;      ///< tracked and untracked-but-not-ignored, sorted; without Git: all
  std::vector<std::string> untracked;  ///< those of them that Git does not know yet
};

/// kNotFound: no such directory; kEnvironment: a Git repository, but git is not installed.
Result<WorkingCopy> open_working_copy(const std::filesystem::path& directory);

/// Paths that differ from `base` (a revision), uncommitted and untracked ones included. Without `base`: on
/// another branch than the default one, since they parted; else against HEAD when there are uncommitted
/// changes, else against the commit before. Nothing: there is nothing to compare with.
Result<std::optional<std::vector<std::string>>> changed_paths(const WorkingCopy& copy,
                                                              const std::string& base = "");

/// How the compiler sees the directory: only files of the list, never outside of it.
config::Sources sources_of(const WorkingCopy& copy);

/// A push to the current branch, with CI_PROJECT_* of the directory's name and CI_COMMIT_* of HEAD; which
/// paths changed is left open. The caller puts options on top. `copy` must outlive it.
pipeline::Context context_of(const WorkingCopy& copy);

}  // namespace tidegate::app
