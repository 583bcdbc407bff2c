// Image manifests and configurations: JSON in, values out. Sources: OCI image-spec 1.1 (manifest.md,
// image-index.md, config.md) and Docker's image manifest v2 schema 2.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace tidegate::registry {

struct Blob {
  std::string digest;
  std::uint64_t size = 0;
  std::string media_type;
};

/// One platform's manifest inside an index.
struct PlatformManifest {
  std::string digest;
  std::string os;
  std::string architecture;
};

/// Either one image (config and layers) or an index of them (platforms).
struct Manifest {
  Blob config;
  std::vector<Blob> layers;  ///< lowest first
  std::vector<PlatformManifest> platforms;

  bool is_index() const { return !platforms.empty(); }
};

/// kInvalid when it is not a manifest that we understand: not JSON, schema 1, digests that are none, more
/// than 1000 layers, encrypted or foreign layers.
Result<Manifest> parse_manifest(std::string_view json);

/// The digest of the manifest for linux on `architecture` ("amd64"). Nothing when there is none.
std::optional<std::string> for_platform(const Manifest& index, std::string_view architecture);

struct ImageConfig {
  std::string architecture;
  std::map<std::string, std::string> labels;
};
Result<ImageConfig> parse_config(std::string_view json);

/// This machine's architecture in OCI's words.
std::string_view this_architecture();

}  // namespace tidegate::registry
