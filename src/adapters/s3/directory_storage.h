// DirectoryStorage: a local folder that data lands in (file:///srv/data/training/).
#pragma once

#include "app/ports/object_storage.h"

namespace tidegate::s3 {

/// Bucket: empty. Key: the absolute path; prefix: the absolute folder, with or without '/' at its end.
/// version_id: empty; etag: a hash of inode, size and modification time, so that a file that was replaced or
/// written to is another version. Files whose name starts with '.' are left out of listings, as are folders
/// of that kind: tools put half-written files there. Symbolic links are followed as long as they stay below
/// the folder that is listed; others are left out. Order: by path. Thread-safe; no state.
class DirectoryStorage : public app::ObjectStorage {
 public:
  Status list(const std::string& bucket, const std::string& prefix, const std::string& after,
              const std::function<bool(const app::ObjectInfo&)>& on_object,
              const sys::StopFlag* stop) override;
  Result<app::ObjectInfo> head(const std::string& bucket, const std::string& key,
                               const std::string& version_id) override;
  /// Also kConflict when the file changed while it was read.
  Result<std::string> download(const app::ObjectInfo& expected, const std::filesystem::path& to,
                               const sys::StopFlag* stop) override;
};

}  // namespace tidegate::s3
