// The lease on a target: one deployment at a time, and a crashed one does not hold it for ever.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"
#include "release/journal.h"

namespace tidegate::release {

/// The line in `state/lease`: "<token> <expiry, seconds since 1970 by the host's clock> <owner>". Who holds
/// the lease is who finds the own token in the file; so a holder that lost it sees that before its next step.
struct Lease {
  std::string token;  ///< random hex, new for every session
  std::int64_t expires = 0;
  std::string owner;  ///< deployment

  friend bool operator==(const Lease&, const Lease&) = default;
};

std::string write_lease(const Lease& lease);
/// Nothing for an empty or damaged line: damaged is free, for nobody can find a token in it.
std::optional<Lease> parse_lease(std::string_view line);

/// May `owner` have it, given the file's line, the host's time, and what the journal says? An own older lease
/// is taken over at once: the session that had it is gone or will find itself replaced. So is one whose
/// deployment has come to its end: all that was left was to give the lease back. kConflict names the holder
/// and how long.
Status may_take(std::string_view line, std::string_view owner, std::int64_t host_now, const Journal& journal);

}  // namespace tidegate::release
