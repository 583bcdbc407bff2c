// Opening files below a folder without following a symbolic link on the way: jobs choose what is in there.
#pragma once

#include <filesystem>
#include <string>

#include "base/result.h"
#include "sys/unique_fd.h"

namespace tidegate::app {

/// Opens paths relative to one folder, segment by segment. Keeps the folder of the last path open, so that
/// neighbours cost one call. Not for use from two threads.
class Beneath {
 public:
  static Result<Beneath> open(const std::filesystem::path& root);

  /// The folder that `path` is in; made, with its parents, when `make` is set. kInvalid: absolute, "..", or
  /// a segment on the way is no folder (a link, for example).
  Result<int> parent_of(const std::string& path, bool make);

  /// The path's last segment.
  static std::string name_of(const std::string& path);

 private:
  explicit Beneath(sys::UniqueFd root) : root_(std::move(root)) {}
  sys::UniqueFd root_;
  sys::UniqueFd folder_;
  std::string folder_path_;
};

}  // namespace tidegate::app
