// Collects a request's body: in memory while it is small, in a file from then on.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string_view>

#include "adapters/http/message.h"
#include "base/result.h"
#include "sys/unique_fd.h"

namespace tidegate::http {

class BodyReader {
 public:
  /// `directory` empty: the system's temporary folder.
  BodyReader(std::uint64_t spool_above, std::filesystem::path directory)
      : spool_above_(spool_above), directory_(std::move(directory)) {}

  /// Errors: the disk (full, not writable).
  Status take(std::string_view bytes);
  std::uint64_t size() const { return body_.size; }
  Result<Body> finish();

 private:
  Status open_file();
  Status write(std::string_view bytes);

  std::uint64_t spool_above_;
  std::filesystem::path directory_;
  Body body_;
  sys::UniqueFd fd_;
};

}  // namespace tidegate::http
