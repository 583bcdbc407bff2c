// ImageRegistry: images in an OCI registry, by reference and digest.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/secret.h"
#include "sys/process.h"

namespace tidegate::app {

struct ImageInfo {
  std::string digest;  ///< sha256:…, of the manifest
  std::string architecture;
  std::map<std::string, std::string> labels;
  std::vector<std::string> tags;
};

/// Blocking; thread-safe. References are "host:port/repository:tag" or "…@sha256:…".
class ImageRegistry {
 public:
  virtual ~ImageRegistry() = default;

  /// What a tag means now. kNotFound: no such repository or tag; kDenied; kUnavailable.
  virtual Result<ImageInfo> inspect(const std::string& reference) = 0;

  /// Makes `tag` name the very manifest `digest` of the repository; idempotent.
  virtual Status tag(const std::string& repository, const std::string& digest, const std::string& tag) = 0;
  virtual Status untag(const std::string& repository, const std::string& tag) = 0;

  /// Pulls by digest into a local OCI layout (cached, every blob verified) and extracts what is below `from`
  /// in the image's file system (all layers applied, whiteouts too) into the empty folder `to`. Refuses `..`,
  /// absolute and escaping links, devices, setuid bits, and more than `max_bytes`.
  virtual Status extract(const std::string& repository, const std::string& digest, const std::string& from,
                         const std::filesystem::path& to, std::uint64_t max_bytes,
                         const sys::StopFlag* stop) = 0;
};

}  // namespace tidegate::app
