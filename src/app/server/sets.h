// Sets of objects: what of a set is there, and all of it copied. For workers: everything here blocks.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "app/server/server_ports.h"
#include "config/project_file.h"
#include "dataset/readiness.h"

namespace tidegate::app {

/// Copies exactly this version of the object to where objects are kept, by hash; the hash. Errors as
/// ObjectStorage::download.
Result<std::string> keep_object(ObjectStorage& storage, const ServerPorts& ports, const ObjectInfo& exact);

/// Refuses what is larger than `max_size`; kInvalid, with both numbers.
Status check_size(std::uint64_t size, std::uint64_t max_size, std::string_view what);

struct SetCheck {
  std::vector<SetMember> members;
  dataset::Readiness readiness;
};

/// What of the set is there. `known`: what was found before; those that were as wanted are not asked for
/// again. kInvalid: the manifest, or the marker's folder, can never be a set; kConflict: the manifest or
/// marker has been replaced, its successor is a version of its own; kNotFound: it is gone.
Result<SetCheck> check_set(const ServerPorts& ports, const config::DataSource& source, const Version& version,
                           std::vector<SetMember> known);

struct SetFetch {
  Version version;  ///< when complete: size, and as sha256 the hash of the set
  SetCheck check;   ///< not complete any more: something has been replaced, or is not what was announced
};

/// Copies and hashes every member. The listing of the set is kept as an object too, under the set's hash.
Result<SetFetch> fetch_set(const ServerPorts& ports, const config::DataSource& source, Version version,
                           std::vector<SetMember> members);

}  // namespace tidegate::app
