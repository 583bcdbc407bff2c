// Names of images as people and registries write them.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace tidegate::image {

/// host[:port]/repository[:tag][@sha256:…], taken apart. Only parse_reference makes valid ones.
struct Reference {
  std::string registry;    ///< host[:port]; "docker.io" when the text named none
  std::string repository;  ///< path below the registry; "library/x" for Docker Hub's short names
  std::string tag;         ///< empty: none given
  std::string digest;      ///< "sha256:<64 hex>"; empty: none given

  /// host[:port]/repository, without tag and digest.
  std::string name() const { return registry + "/" + repository; }
  /// What a registry is asked for: by digest when there is one, else by tag, else by "latest".
  std::string pinned() const;

  friend bool operator==(const Reference&, const Reference&) = default;
};

/// kInvalid with the part that is wrong. Limits and grammar: OCI distribution-spec 1.1, "Pulling manifests"
/// (name ≤ 255 with the host, tag ≤ 128); which first part is a host: Docker's distribution/reference (it has
/// '.' or ':', or is "localhost").
Result<Reference> parse_reference(std::string_view text);

/// "sha256:" and 64 lower-case hex digits. No other algorithm is accepted.
bool is_digest(std::string_view text);
bool is_tag(std::string_view text);

}  // namespace tidegate::image
