// ObjectEvent: "an object was created", from whatever announced it, in one form.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"

namespace tidegate::dataset {

enum class Origin : std::uint8_t { kHook, kListing, kDirectory, kManual, kQueue };
std::string_view to_string(Origin origin);

/// Decoded: `key` is the object's real name, not its URL form.
struct ObjectEvent {
  std::string provider;  ///< "aws:s3", "minio:s3", "listing:<endpoint>", "file"
  std::string bucket;
  std::string key;
  std::string version_id;  ///< empty: none
  std::string etag;        ///< empty: unknown
  std::optional<std::uint64_t> size;
  std::string sequencer;  ///< upper-case hex; empty: none
  Instant occurred_at{};
  Origin origin = Origin::kHook;

  friend bool operator==(const ObjectEvent&, const ObjectEvent&) = default;
};

/// Same object version, same text: SHA-256 of bucket, key and version id (else etag and size). The provider
/// is left out on purpose: a hook and a listing that tell of one version are one event.
std::string identity(const ObjectEvent& event);

/// Orders sequencers of one key: hex, the shorter padded with '0' on the right, case folded. Source: S3
/// guide, event message structure.
int compare_sequencers(std::string_view a, std::string_view b);

}  // namespace tidegate::dataset
