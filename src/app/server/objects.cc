#include "app/server/objects.h"

#include <limits>

#include "app/server/sets.h"

namespace tidegate::app {
namespace {

// Blocking.
Result<Version> fetch_now(ObjectStorage& storage, const ServerPorts& ports, Version version,
                          std::uint64_t max_size) {
  TG_TRY(const ObjectInfo info, storage.head(version.bucket, version.key, version.object_version));
  if (!version.etag.empty() && !info.etag.empty() && version.etag != info.etag) {
    return fail(Errc::kConflict, "the object has been replaced since it was announced");
  }
  TG_CHECK(check_size(info.size, max_size, "the object"));
  version.etag = info.etag;
  version.size = info.size;
  if (version.object_version.empty()) version.object_version = info.version_id;
  ObjectInfo exact = info;
  exact.version_id = version.object_version;
  TG_TRY(version.sha256, keep_object(storage, ports, exact));
  return version;
}

}  // namespace

void Objects::fetch(Version version, std::uint64_t max_size, OnFetched done) {
  if (!version.sha256.empty() && std::filesystem::exists(ports_.object_path(version.sha256))) {
    done(std::move(version));
    return;
  }
  if (version.is_set) {
    done(fail(Errc::kConflict, "the set is not fetched yet"));
    return;
  }
  const auto address = dataset::parse_bound_uri(version.uri);
  const bool is_file = address && address->is_file;
  in_background(
      ports_.workers, ports_.loop,
      [this, is_file, max_size, version = std::move(version)] {
        return fetch_now(storage_of(is_file), ports_, version, max_size);
      },
      std::move(done));
}

void Objects::resolve(ProjectId project, const std::string& source, const std::string& uri, bool of_set,
                      OnFetched done) {
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
  if (!recorded && of_set) {
    done(fail(Errc::kConflict, uri + " is no set on record: `tidegate data backfill` takes it in"));
    return;
  }
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
  // What the code names was let in before, or by a person who wrote it there: no limit.
  fetch(std::move(version), std::numeric_limits<std::uint64_t>::max(),
        [this, recorded, done = std::move(done)](Result<Version> fetched) {
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
