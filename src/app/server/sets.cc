#include "app/server/sets.h"

#include <algorithm>

#include <fmt/core.h>

#include "base/sha256.h"
#include "base/text.h"
#include "dataset/glob.h"
#include "dataset/intake.h"
#include "sys/file.h"

namespace tidegate::app {
namespace {

using dataset::Found;
using dataset::Member;

// Where the set lies, and what completes it.
struct Place {
  ObjectStorage& storage;
  dataset::SourceAddress address;
  bool is_manifest = false;
  std::string announcer;  ///< key of the manifest, or of the marker
  std::string folder;     ///< of a marker
};

Result<Place> place_of(const ServerPorts& ports, const config::DataSource& source, const Version& version) {
  const auto address = dataset::parse_source(source.source);
  const bool is_manifest = !source.manifest.empty();
  if (!address || (!is_manifest && source.marker.empty()))
    return fail(Errc::kInvalid, "tidegate.yml does not say any more what completes a set of this source");
  ObjectStorage& storage = address->is_file ? ports.directories : ports.s3;
  return Place{storage, *address, is_manifest, is_manifest ? version.key : version.key + source.marker,
               is_manifest ? "" : version.key};
}

// The manifest or marker, as it was announced.
Result<ObjectInfo> announcer_of(const Place& place, const Version& version) {
  TG_TRY(ObjectInfo info, place.storage.head(version.bucket, place.announcer, version.object_version));
  if (!version.etag.empty() && !info.etag.empty() && version.etag != info.etag)
    return fail(Errc::kConflict, printable(place.announcer) + " has been replaced since it was announced");
  if (!version.object_version.empty()) info.version_id = version.object_version;
  return info;
}

Result<std::vector<Member>> members_of_manifest(const ServerPorts& ports, const Place& place,
                                                const ObjectInfo& manifest) {
  TG_CHECK(check_size(manifest.size, kMaxManifest, "the manifest"));
  TG_TRY(const std::string sha256, keep_object(place.storage, ports, manifest));
  TG_TRY(const std::string text, sys::read_file(ports.object_path(sha256)));
  TG_TRY(const dataset::Manifest parsed, ports.parse_manifest(text));
  return dataset::members_of(parsed, place.address.bucket, place.announcer, place.address.prefix);
}

bool is_member(const config::DataSource& source, const Place& place, const std::string& key) {
  if (key == place.announcer || key.ends_with('/')) return false;
  const std::string_view rest = std::string_view(key).substr(place.address.prefix.size());
  return source.include.empty() || std::ranges::any_of(source.include, [&](const std::string& glob) {
           return dataset::glob_match(glob, rest);
         });
}

Result<std::vector<Member>> members_of_folder(const ServerPorts& ports, const config::DataSource& source,
                                              const Place& place) {
  std::vector<Member> members;
  TG_CHECK(place.storage.list(
      place.address.bucket, place.folder, "",
      [&](const ObjectInfo& info) {
        if (is_member(source, place, info.key))
          members.push_back({info.key, info.key.substr(place.folder.size()), std::nullopt, "", ""});
        return members.size() <= dataset::kMostMembers;
      },
      &ports.stop));
  if (members.empty()) return fail(Errc::kInvalid, "the marker's folder holds no objects of this source");
  if (members.size() > dataset::kMostMembers)
    return fail(Errc::kInvalid,
                fmt::format("the marker's folder holds more than {} objects", dataset::kMostMembers));
  std::vector<std::string> names;
  for (const Member& member : members) names.push_back(member.name);
  TG_CHECK(dataset::check_names(names));
  return members;
}

dataset::Readiness readiness_of(const std::vector<SetMember>& members, std::optional<Instant> announced_at) {
  std::vector<Member> wanted;
  std::vector<std::optional<Found>> found;
  for (const SetMember& member : members) {
    wanted.push_back(member.wanted);
    found.push_back(member.found);
  }
  return dataset::assess(wanted, found, announced_at);
}

bool is_good(const SetMember& member, std::optional<Instant> announced_at) {
  return member.found && dataset::assess({member.wanted}, {member.found}, announced_at).complete();
}

Status look(const Place& place, SetMember& member) {
  const auto info = place.storage.head(place.address.bucket, member.wanted.key, "");
  if (!info && info.error().code == Errc::kNotFound) {
    member.found.reset();
    return {};
  }
  if (!info) return info.error();
  Found now{info->version_id, info->etag, info->size, "", info->modified_at};
  // The very bytes that were hashed before.
  if (member.found && member.found->version_id == now.version_id && member.found->etag == now.etag)
    now.sha256 = member.found->sha256;
  member.found = now;
  return {};
}

Status stopped(const ServerPorts& ports) {
  if (ports.stop.stop_requested()) return fail(Errc::kCanceled, "the server is going down");
  return {};
}

// What has been replaced or is gone is not found any more; everything else is an error.
Status fetch_member(const ServerPorts& ports, const Place& place, SetMember& member) {
  if (!member.found->sha256.empty() && std::filesystem::exists(ports.object_path(member.found->sha256)))
    return {};
  ObjectInfo exact;
  exact.bucket = place.address.bucket;
  exact.key = member.wanted.key;
  exact.version_id = member.found->version_id;
  exact.etag = member.found->etag;
  exact.size = member.found->size;
  const auto kept = keep_object(place.storage, ports, exact);
  if (kept) {
    member.found->sha256 = *kept;
    return {};
  }
  if (kept.error().code != Errc::kConflict && kept.error().code != Errc::kNotFound) return kept.error();
  member.found.reset();
  return {};
}

}  // namespace

Result<std::string> keep_object(ObjectStorage& storage, const ServerPorts& ports, const ObjectInfo& exact) {
  const auto directory = ports.settings.data / "objects";
  TG_CHECK(sys::make_directories(directory));
  // The bytes go to a temporary name first, so that what stands under a hash is always whole.
  TG_TRY(auto scratch, sys::TempDirectory::make(directory, ".incoming-"));
  const auto incoming = scratch.path() / "object";
  TG_TRY(std::string sha256, storage.download(exact, incoming, &ports.stop));
  std::error_code failed;
  std::filesystem::rename(incoming, ports.object_path(sha256), failed);
  if (failed) return fail(Errc::kUnavailable, "keep the object: " + failed.message());
  TG_CHECK(sys::sync_directory(directory));
  return sha256;
}

Status check_size(std::uint64_t size, std::uint64_t max_size, std::string_view what) {
  if (size <= max_size) return {};
  return fail(Errc::kInvalid, fmt::format("{} has {} bytes, more than max_size {}", what, size, max_size));
}

Result<SetCheck> check_set(const ServerPorts& ports, const config::DataSource& source, const Version& version,
                           std::vector<SetMember> known) {
  TG_TRY(const Place place, place_of(ports, source, version));
  TG_TRY(const ObjectInfo announcer, announcer_of(place, version));
  const auto announced_at = place.is_manifest ? std::nullopt : std::optional(announcer.modified_at);
  if (known.empty()) {
    TG_TRY(auto members, place.is_manifest ? members_of_manifest(ports, place, announcer)
                                           : members_of_folder(ports, source, place));
    std::ranges::sort(members, {}, &Member::name);
    for (Member& member : members) known.push_back({std::move(member), std::nullopt});
  }
  for (SetMember& member : known) {
    TG_CHECK(stopped(ports));
    if (!is_good(member, announced_at)) TG_CHECK(look(place, member));
  }
  dataset::Readiness readiness = readiness_of(known, announced_at);
  return SetCheck{std::move(known), std::move(readiness)};
}

Result<SetFetch> fetch_set(const ServerPorts& ports, const config::DataSource& source, Version version,
                           std::vector<SetMember> members) {
  TG_TRY(const Place place, place_of(ports, source, version));
  std::uint64_t total = 0;
  for (const SetMember& member : members) {
    total += member.found ? member.found->size : 0;
    TG_CHECK(check_size(total, source.max_size, "the set"));
  }
  for (SetMember& member : members) {
    TG_CHECK(stopped(ports));
    if (member.found) TG_CHECK(fetch_member(ports, place, member));
  }
  // Times were compared when the set was complete; what is fetched is pinned.
  dataset::Readiness readiness = readiness_of(members, std::nullopt);
  if (readiness.complete()) {
    std::vector<dataset::SetFile> files;
    for (const SetMember& member : members)
      files.push_back({member.wanted.name, member.found->size, member.found->sha256});
    const std::string listing = dataset::set_listing(std::move(files));
    version.sha256 = sha256_hex(listing);
    version.size = total;
    TG_CHECK(sys::write_file_durably(ports.object_path(version.sha256), listing, 0644));
  }
  return SetFetch{std::move(version), {std::move(members), std::move(readiness)}};
}

}  // namespace tidegate::app
