#include "app/server/objects.h"

#include <fmt/core.h>

#include "base/sha256.h"
#include "sys/file.h"

namespace tidegate::app {
namespace {

// Blocking. The bytes go to a temporary name first, so that what stands under a hash is always whole.
Result<Version> fetch_now(ObjectStorage& storage, const ServerPorts& ports, Version version,
                          std::uint64_t most_bytes) {
  TG_TRY(const ObjectInfo info, storage.head(version.bucket, version.key, version.object_version));
  if (!version.etag.empty() && !info.etag.empty() && version.etag != info.etag) {
    return fail(Errc::kConflict, "the object has been replaced since it was announced");
  }
  if (most_bytes > 0 && info.size > most_bytes)
    return fail(Errc::kInvalid, fmt::format("the object has {} bytes; the source's `limits: {{size}}` is {}",
                                            info.size, most_bytes));
  version.etag = info.etag;
  version.size = info.size;
  if (version.object_version.empty()) version.object_version = info.version_id;
  ObjectInfo exact = info;
  exact.version_id = version.object_version;
  const auto directory = ports.settings.data / "objects";
  TG_CHECK(sys::make_directories(directory));
  TG_TRY(auto scratch, sys::TempDirectory::make(directory, ".incoming-"));
  const auto incoming = scratch.path() / "object";
  TG_TRY(version.sha256, storage.download(exact, incoming, &ports.stop));
  std::error_code failed;
  std::filesystem::rename(incoming, ports.object_path(version.sha256), failed);
  if (failed) return fail(Errc::kUnavailable, "keep the object: " + failed.message());
  TG_CHECK(sys::sync_directory(directory));
  return version;
}

}  // namespace

void Objects::fetch(Version version, OnFetched done, std::uint64_t most_bytes) {
  if (!version.sha256.empty() && std::filesystem::exists(ports_.object_path(version.sha256))) {
    done(std::move(version));
    return;
  }
  const auto address = dataset::parse_bound_uri(version.uri);
  const bool is_file = address && address->is_file;
  in_background(
      ports_.workers, ports_.loop,
      [this, is_file, most_bytes, version = std::move(version)] {
        return fetch_now(storage_of(is_file), ports_, version, most_bytes);
      },
      std::move(done));
}

void Objects::resolve(ProjectId project, const std::string& source, const std::string& uri, OnFetched done) {
  const auto address = dataset::parse_bound_uri(uri);
  if (!address) {
    done(fail(Errc::kInvalid, "\"" + uri + "\" is no s3:// or file:// address"));
    return;
  }
  const auto known = ports_.store.version_of_object(project, source, address->key, address->version_id);
  if (!known) {
    done(known.error());
    return;
  }
  const bool recorded = known->has_value();
  Version version;
  if (recorded) {
    version = **known;
  } else {
    version.project = project;
    version.source = source;
    version.bucket = address->bucket;
    version.key = address->key;
    version.object_version = address->version_id;
    version.uri = uri;
  }
  fetch(std::move(version), [this, recorded, done = std::move(done)](Result<Version> fetched) {
    if (!fetched) {
      done(std::move(fetched));
    } else if (!recorded) {
      done(record_baseline(std::move(*fetched)));
    } else if (Status saved = ports_.store.save_version(*fetched); !saved) {
      done(saved.error());
    } else {
      done(std::move(fetched));
    }
  });
}

Result<Version> Objects::record_baseline(Version version) {
  const Instant now = ports_.clock.now();
  dataset::ObjectEvent event;
  event.bucket = version.bucket;
  event.key = version.key;
  event.version_id = version.object_version;
  event.etag = version.etag;
  event.size = version.size;
  version.identity = dataset::identity(event);
  version.state = VersionState::kBaseline;
  version.reason = "named by the code before any event told of it";
  version.created_at = version.due_at = now;
  version.finished_at = now;
  return ports_.store.add_version(std::move(version));
}

}  // namespace tidegate::app
