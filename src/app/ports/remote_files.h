// RemoteFiles: pipeline files behind URLs (include:remote).
#pragma once

#include <string>

#include "base/result.h"

namespace tidegate::app {

/// Blocking; one object per thread or externally serialised.
class RemoteFiles {
 public:
  virtual ~RemoteFiles() = default;

  /// The bytes behind a URL, the same for the same URL as long as the object lives. kInvalid: such a URL is
  /// not allowed; kNotFound: the other side says so; kUnavailable: no answer in time, or another refusal;
  /// kFailed: it is too large.
  virtual Result<std::string> read(const std::string& url) = 0;
};

}  // namespace tidegate::app
