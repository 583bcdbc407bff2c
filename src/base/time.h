// Time as a value. Nothing in the pure rooms asks what time it is; it is told.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace tidegate {

using Millis = std::chrono::milliseconds;
using Seconds = std::chrono::seconds;

/// A point in time (UTC), in milliseconds since 1970.
using Instant = std::chrono::sys_time<Millis>;

/// Where time comes from; the rim passes the system's, tests pass one they turn by hand.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual Instant now() const = 0;
};

/// "2026-08-22T00:44:03.123Z" (ISO 8601, UTC), as API v4 writes times.
std::string format_iso8601(Instant when);

/// Reads what format_iso8601 writes, with or without fraction, "Z" or an offset "+09:00".
std::optional<Instant> parse_iso8601(std::string_view text);

/// "20261122T101502Z", sortable and safe in file names.
std::string format_compact(Instant when);

/// Human durations as GitLab writes them: "3h 30 minutes", "1 week and 2 days", "1:30:00", "90" (seconds),
/// and "0s". An error says which word was not understood. Source: GitLab docs, `timeout` and `expire_in`
/// (ChronicDuration; that it reads no zero is the pipeline language's rule, see config::read_duration).
Result<Seconds> parse_duration(std::string_view text);

/// "1m 23s", "450ms", for people.
std::string format_duration(Millis duration);

}  // namespace tidegate
