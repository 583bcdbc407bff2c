// Files and folders, with durability where it matters. Blocking; thread-safe as far as the file system is.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"

namespace tidegate::sys {

namespace fs = std::filesystem;

/// The whole file; kInvalid when it is larger than `max_bytes`.
Result<std::string> read_file(const fs::path& path, std::uint64_t max_bytes = 64U << 20U);

/// Replaces the file in one step: temporary file beside it, fsync, rename, fsync of the folder. After success
/// the new content survives power loss; before it, the old content is whole.
Status write_file_durably(const fs::path& path, std::string_view bytes, unsigned mode = 0644);

/// Writes without fsync, for scratch files.
Status write_file(const fs::path& path, std::string_view bytes, unsigned mode = 0644);

/// fsync of a folder, so that renames and new names in it survive power loss.
Status sync_directory(const fs::path& directory);

/// SHA-256 (hex) of a file's content, streamed.
Result<std::string> sha256_of_file(const fs::path& path);

/// Makes the folder and its parents.
Status make_directories(const fs::path& path);

/// Removes the tree; missing is success. Does not follow symbolic links.
Status remove_tree(const fs::path& path);

/// A new empty folder that is removed, with its content, when this goes.
class TempDirectory {
 public:
  /// Makes `<parent>/<prefix>XXXXXX`.
  static Result<TempDirectory> make(const fs::path& parent, std::string_view prefix);
  TempDirectory(TempDirectory&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  TempDirectory& operator=(TempDirectory&& other) noexcept;
  ~TempDirectory();

  const fs::path& path() const { return path_; }
  /// The folder stays; the caller owns it now.
  fs::path release() { return std::exchange(path_, {}); }

 private:
  explicit TempDirectory(fs::path path) : path_(std::move(path)) {}
  fs::path path_;
};

/// "open /x: Permission denied", with the code that fits errno.
Error errno_error(std::string_view what, int error_number);

}  // namespace tidegate::sys
