// Coalescing: which of the events on record form the next dataset version, once the source has been quiet.
// Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "dataset/event.h"

namespace tidegate::dataset {

/// The event of a version that waits.
struct PendingEvent {
  ObjectEvent event;
  Instant received_at{};
  bool complete = true;    ///< false: a set of which something is still missing
  bool alone = false;      ///< asked for by hand (replay, backfill): it runs as itself, oldest first
  std::size_t events = 1;  ///< that it stands for already
};

/// `ready: { quiet: 30s }`. A version is formed when nothing has come for `quiet`, and in any case `at_most`
/// after the first event came, so that a source that never rests is not starved (zero: no such bound).
struct QuietPeriod {
  Millis quiet{30'000};
  Millis at_most{0};
};

/// Indices point into the list that was given.
struct Coalesced {
  struct Superseded {
    std::size_t index = 0;
    std::string reason;  ///< for people
    friend bool operator==(const Superseded&, const Superseded&) = default;
  };
  std::optional<std::size_t> chosen;   ///< runs: the newest that is complete
  std::vector<Superseded> superseded;  ///< those that it stands for from now on
  std::optional<Instant> due;          ///< nothing chosen yet: ask again then; nothing: when something lands
  std::string because;                 ///< why the events became this version, for people
};

/// `pending` of one source, in the order of arrival. Same input, same answer; a clock that went backwards
/// (received_at after `now`) only delays. Newest: of one key by sequencer, else by the time it happened, else
/// by arrival.
///
/// What was asked for by hand goes before what landed, one at a time, and supersedes nothing. A set that is
/// not complete is never chosen; it goes on waiting unless something newer than it is.
Coalesced coalesce(const std::vector<PendingEvent>& pending, const QuietPeriod& period, Instant now);

}  // namespace tidegate::dataset
