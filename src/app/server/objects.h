// Objects: the bytes of dataset versions, copied from where they landed, hashed, and kept by hash. State
// thread only.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "app/server/server_ports.h"
#include "dataset/intake.h"

namespace tidegate::app {

class Objects {
 public:
  explicit Objects(ServerPorts& ports) : ports_(ports) {}

  /// Copies the version's object, exactly that version of it, and hashes it; `done` gets the version with
  /// sha256, etag and size filled in. Quick when its bytes are here already. Nothing is saved in the store.
  /// kInvalid: it is larger than `max_size`. A set must be here already (see Waiting).
  using OnFetched = std::function<void(Result<Version>)>;
  void fetch(Version version, std::uint64_t max_size, OnFetched done);

  /// The version that a commit's bound address names; when it is not on record (code bound by hand, first
  /// push), it is fetched and recorded as baseline; not so a set (`of_set`).
  void resolve(ProjectId project, const std::string& source, const std::string& uri, bool of_set,
               OnFetched done);

 private:
  ObjectStorage& storage_of(bool is_file) { return is_file ? ports_.directories : ports_.s3; }
  Result<Version> record_baseline(Version version);

  ServerPorts& ports_;
};

}  // namespace tidegate::app
