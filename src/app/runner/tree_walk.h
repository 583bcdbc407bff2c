// Finding files in a job's folder by globs, without ever leaving it.
#pragma once

#include <filesystem>
#include <string>
#include <unordered_set>
#include <vector>

#include "base/result.h"

namespace tidegate::app {

/// Everything below `root` (folders too), relative and sorted; symbolic links are named, never followed.
/// The folder ".git" at the top is left out.
Result<std::vector<std::string>> list_tree(const std::filesystem::path& root);

/// Which files an `artifacts:` or `cache:` entry names.
struct Selection {
  std::vector<std::string> paths;
  std::vector<std::string> exclude;
  bool untracked = false;
  /// With `untracked`: the paths that the sources had; all others are taken.
  const std::unordered_set<std::string>* tracked = nullptr;
};

/// How many entries one pattern found; for the log.
struct PatternCount {
  std::string pattern;
  std::size_t found = 0;
  std::string problem;  ///< why it was refused, or empty
};

struct Selected {
  std::vector<std::string> paths;  ///< sorted, each once
  std::vector<PatternCount> counts;
};

/// Patterns are globs (with `**`); a folder means everything in it. `project_inside` is how the job calls the
/// root: an absolute pattern below it is taken as relative, any other absolute pattern and ".." are refused.
Result<Selected> select_files(const std::filesystem::path& root, const std::string& project_inside,
                              const Selection& selection);

}  // namespace tidegate::app
