// Skopeo: an image registry through the skopeo program, which knows every registry's transport and login.
// What it brings is checked here: manifests and blobs count only with the SHA-256 that names them.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "adapters/registry/manifest.h"
#include "app/ports/image_registry.h"
#include "base/time.h"
#include "image/reference.h"

namespace tidegate::registry {

class BlobCache;

struct Settings {
  std::string registry;  ///< host[:port] that user, password and cert_dir are for; nothing else gets them
  std::string user;      ///< empty: whatever login skopeo finds by itself
  Secret password;
  std::filesystem::path cert_dir;   ///< *.crt, *.cert, *.key for `registry`; empty: the system's
  std::filesystem::path cache_dir;  ///< blobs by digest; shared by processes (locked), pruned
  bool tls_verify = true;           ///< false allows plain HTTP to `registry`
  std::uint64_t cache_bytes = 8ULL << 30U;
  Millis pull_timeout{std::chrono::minutes(20)};
  Millis request_timeout{std::chrono::seconds(60)};
};

/// Thread-safe: no state but the settings; pulls of one cache directory take turns. Credentials go to skopeo
/// in a file that only we can read and that is gone when the call is over, never in its arguments.
class Skopeo final : public app::ImageRegistry {
 public:
  explicit Skopeo(Settings settings) : settings_(std::move(settings)) {}

  /// `tags` holds the tag that was asked for and no others; of an image for several platforms, architecture
  /// and labels are those for this machine's.
  Result<app::ImageInfo> inspect(const std::string& reference) override;
  Status tag(const std::string& repository, const std::string& digest, const std::string& tag) override;
  /// Registries remove manifests, not tags; so the tag is first moved to an empty image, and that is removed.
  /// kFailed when the registry does not allow removals. A missing tag is success.
  Status untag(const std::string& repository, const std::string& tag) override;
  Status extract(const std::string& repository, const std::string& digest, const std::string& from,
                 const std::filesystem::path& to, std::uint64_t max_bytes,
                 const sys::StopFlag* stop) override;

 private:
  Result<std::string> call(const image::Reference& about, std::vector<std::string> arguments,
                           const std::vector<std::string>& operands, Millis timeout,
                           const sys::StopFlag* stop);
  Result<std::string> raw_manifest(const image::Reference& reference, const sys::StopFlag* stop);
  Result<Manifest> platform_manifest(const image::Reference& reference, const sys::StopFlag* stop,
                                     std::string* digest);
  Status fetch_blobs(const BlobCache& cache, const image::Reference& reference, const Manifest& manifest,
                     const std::string& from, const sys::StopFlag* stop);

  Settings settings_;
};

}  // namespace tidegate::registry
