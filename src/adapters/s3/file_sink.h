// FileSink: a file that is there whole and on disk, or not at all.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/sha256.h"
#include "sys/unique_fd.h"

namespace tidegate::s3 {

/// Writes beside `to` and renames at the end. What was not finished is removed when this goes.
class FileSink {
 public:
  static Result<FileSink> open(const std::filesystem::path& to);
  FileSink(FileSink&& other) noexcept = default;
  FileSink& operator=(FileSink&&) = delete;
  ~FileSink();

  Status write(std::string_view bytes);
  std::uint64_t written() const { return written_; }
  /// fsync, rename, fsync of the folder; the SHA-256 (hex) of what was written.
  Result<std::string> finish();

 private:
  FileSink(std::filesystem::path to, std::string temporary, sys::UniqueFd fd)
      : to_(std::move(to)), temporary_(std::move(temporary)), fd_(std::move(fd)) {}

  std::filesystem::path to_;
  std::string temporary_;
  sys::UniqueFd fd_;
  Sha256 hash_;
  std::uint64_t written_ = 0;
};

}  // namespace tidegate::s3
