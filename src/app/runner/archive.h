// Archives made and taken apart by the runner, outside of the job. Blocking; nothing is shared.
#pragma once

#include <cstdint>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"

namespace tidegate::app {

/// Paths in a tree, relative to its root, "/" between segments; never absolute, never with "..".
using Paths = std::vector<std::string>;

/// The form of an archive.
enum class ArchiveForm : unsigned char {
  kZip,      ///< what GitLab serves as artifacts.zip
  kTarZstd,  ///< caches: several times faster to make and to unpack
};

/// Packs `paths` below `root` into `to`. Symbolic links stay links and are never followed, not even on the
/// way to a path; sockets, pipes and devices are left out. Returns the bytes of content packed.
/// kEnvironment: disk full. A file that vanished in between is an error.
Result<std::uint64_t> make_archive(const std::filesystem::path& root, const Paths& paths, ArchiveForm form,
                                   const std::filesystem::path& to);

/// Appends the files, gzipped one by one, to one file: how GitLab keeps reports.
Status make_gzip(const std::filesystem::path& root, const Paths& paths, const std::filesystem::path& to);

/// Takes an archive (of any form that the above makes) apart below `root`. Hostile archives cannot write
/// outside of it: absolute names and ".." are refused (kInvalid), nothing is written through a symbolic
/// link, set-user-id bits are dropped, more than `limit` bytes in all are refused (kInvalid). What was
/// unpacked before an error stays. Existing files are replaced.
Status unpack_archive(const std::filesystem::path& archive, const std::filesystem::path& root,
                      std::uint64_t limit);

/// The content of one regular file of an archive, by its path as it stands there. kNotFound: there is none;
/// kInvalid: it is larger than `limit`, or the archive cannot be read.
Result<std::string> read_archived_file(const std::filesystem::path& archive, const std::string& path,
                                       std::uint64_t limit);

}  // namespace tidegate::app
