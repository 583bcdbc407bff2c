// ObjectStorage: a bucket (S3) or directory that data lands in. Read only: Tidegate never writes where data
// arrives.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "base/result.h"
#include "base/time.h"
#include "sys/process.h"

namespace tidegate::app {

/// One version of one object, as the store describes it.
struct ObjectInfo {
  std::string bucket;
  std::string key;         ///< raw bytes, decoded
  std::string version_id;  ///< empty: the bucket keeps no versions
  std::string etag;        ///< without quotes
  std::uint64_t size = 0;
  Instant modified_at{};
  friend bool operator==(const ObjectInfo&, const ObjectInfo&) = default;
};

/// Blocking; thread-safe.
class ObjectStorage {
 public:
  virtual ~ObjectStorage() = default;

  /// Calls `on_object` for the newest version of every key below the prefix that comes after the key `after`
  /// (empty: all), in the order of the keys' bytes, page by page (bounded memory). version_id may be empty
  /// here even when versions are kept. Returning false ends the listing.
  virtual Status list(const std::string& bucket, const std::string& prefix, const std::string& after,
                      const std::function<bool(const ObjectInfo&)>& on_object, const sys::StopFlag* stop) = 0;

  /// The object as it is now, or that version of it. kNotFound when it is not there.
  virtual Result<ObjectInfo> head(const std::string& bucket, const std::string& key,
                                  const std::string& version_id) = 0;

  /// Writes exactly that version (or, without versions, exactly that etag: If-Match) to `to`, fsynced;
  /// returns its SHA-256 (hex). kConflict when the object has been replaced, kNotFound when it is gone,
  /// kInvalid when the bytes do not have `expected.size`.
  virtual Result<std::string> download(const ObjectInfo& expected, const std::filesystem::path& to,
                                       const sys::StopFlag* stop) = 0;
};

}  // namespace tidegate::app
