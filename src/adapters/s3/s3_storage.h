// S3Storage: buckets of any server that speaks S3 (AWS, versitygw, MinIO, Ceph, SeaweedFS, …).
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "app/ports/object_storage.h"
#include "base/time.h"
#include "sys/sigv4.h"

namespace tidegate::s3 {

struct S3Settings {
  std::string endpoint;  ///< "http://127.0.0.1:9000"; empty: https://s3.<region>.amazonaws.com
  std::string region = "us-east-1";
  sys::Credentials credentials;
  std::optional<std::filesystem::path> ca_file;  ///< instead of the system's bundle
  int page_size = 1000;                          ///< keys asked for at once; S3 gives no more than 1000
};

/// Path-style addresses, Signature V4. Thread-safe: every call takes a connection of its own from a pool.
class S3Storage : public app::ObjectStorage {
 public:
  /// `clock` signs the requests (a server refuses 15 minutes of difference); it outlives this.
  S3Storage(S3Settings settings, const Clock& clock);
  ~S3Storage() override;

  Status list(const std::string& bucket, const std::string& prefix, const std::string& after,
              const std::function<bool(const app::ObjectInfo&)>& on_object,
              const sys::StopFlag* stop) override;
  Result<app::ObjectInfo> head(const std::string& bucket, const std::string& key,
                               const std::string& version_id) override;
  Result<std::string> download(const app::ObjectInfo& expected, const std::filesystem::path& to,
                               const sys::StopFlag* stop) override;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tidegate::s3
