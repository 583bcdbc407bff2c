// BlobCache: blobs of images on this disk, by digest, and notes of layers that need not be read again.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "sys/process.h"
#include "sys/unique_fd.h"

namespace tidegate::registry {

/// The cache directory, locked against other processes and other threads while this lives. What is in it may
/// be damaged: readers check the digest.
class BlobCache {
 public:
  /// Makes the directory and waits for the lock; kCanceled when asked to stop while waiting. Scratch that a
  /// killed process left is removed.
  static Result<BlobCache> open(const std::filesystem::path& directory, const sys::StopFlag* stop);

  std::filesystem::path blobs() const { return directory_ / "blobs"; }
  std::filesystem::path scratch() const { return directory_ / "scratch"; }
  std::filesystem::path blob(std::string_view digest) const;

  /// True when it is there; counts as a use.
  bool use(std::string_view digest) const;
  void drop(std::string_view digest) const;

  /// Has it been noted that this layer has nothing to do with this folder?
  bool known_untouched(std::string_view digest, std::string_view from) const;
  void note_untouched(std::string_view digest, std::string_view from) const;

  /// Removes the longest unused blobs until at most `max_bytes` are left.
  void prune(std::uint64_t max_bytes) const;

 private:
  BlobCache(std::filesystem::path directory, sys::UniqueFd lock)
      : directory_(std::move(directory)), lock_(std::move(lock)) {}
  std::filesystem::path note(std::string_view digest, std::string_view from) const;

  std::filesystem::path directory_;
  sys::UniqueFd lock_;
};

}  // namespace tidegate::registry
