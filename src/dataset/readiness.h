// Readiness: a dataset version of several objects, and whether all of them are there as announced. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace tidegate::dataset {

inline constexpr std::size_t kMostMembers = 10'000;

/// One object of a set, as its manifest wants it. Of a set that a marker completes only the key is known.
struct Member {
  std::string key;                    ///< in the bucket
  std::string name;                   ///< where a job finds it below the set's folder
  std::optional<std::uint64_t> size;  ///< nothing: any
  std::string sha256;                 ///< lower-case hex; empty: any
  std::string etag;                   ///< empty: any
  friend bool operator==(const Member&, const Member&) = default;
};

/// What a manifest says, in its own words: `key` is relative to the manifest's folder, or an address of the
/// same bucket.
struct Manifest {
  std::vector<Member> members;
};

/// What was found of a member.
struct Found {
  std::string version_id;
  std::string etag;
  std::uint64_t size = 0;
  std::string sha256;  ///< empty: not fetched yet
  Instant modified_at{};
  friend bool operator==(const Found&, const Found&) = default;
};

/// The members with full keys and the names that jobs see. Names are relative to the manifest's folder, or to
/// the source's prefix when a member lies elsewhere. kInvalid: no members, more than kMostMembers, one named
/// twice, one that is not below the source's prefix, or names that cannot stand in one folder
/// (check_names).
Result<std::vector<Member>> members_of(const Manifest& manifest, std::string_view bucket,
                                       std::string_view manifest_key, std::string_view prefix);

/// Whether the names can be files of one folder: no empty, "." or ".." segment, none longer than 255 bytes,
/// no NUL, no name that is the folder of another. kInvalid with the name.
Status check_names(const std::vector<std::string>& names);

/// "training/2026-01/" of "training/2026-01/_SUCCESS"; "" when the key lies in no folder.
std::string folder_of(std::string_view key);

/// Whether the set may be taken.
struct Readiness {
  std::size_t missing = 0;
  std::size_t different = 0;
  std::string reason;  ///< what is waited for, for people; empty: complete
  bool complete() const { return missing == 0 && different == 0; }
};

/// Compares each member with what was found of it (same order, same length; nothing: it is not there).
/// `announced_at`: when the marker was written; what was written later than in its second is different, for
/// nobody knows whether it belongs to the set. Nothing: of a manifest, which says what it wants.
Readiness assess(const std::vector<Member>& wanted, const std::vector<std::optional<Found>>& found,
                 std::optional<Instant> announced_at);

/// One file of a set that is complete.
struct SetFile {
  std::string name;
  std::uint64_t size = 0;
  std::string sha256;
  friend bool operator==(const SetFile&, const SetFile&) = default;
};

/// The canonical text of a set: a head line, then "<sha256> <size> <name, percent-encoded>" for each file in
/// the order of the names' bytes. Its SHA-256 is the hash of the set, whatever order the files came in.
std::string set_listing(std::vector<SetFile> files);
/// The reverse. kInvalid: not such a text, to the byte.
Result<std::vector<SetFile>> parse_set_listing(std::string_view text);

}  // namespace tidegate::dataset
