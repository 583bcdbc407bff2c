// Coalescing: which of the events on record form the next dataset version, once the source has been quiet.
// Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "dataset/event.h"

namespace tidegate::dataset {

/// An event that was decided kNew and belongs to no dataset version yet.
struct PendingEvent {
  ObjectEvent event;
  Instant received_at{};
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
  std::optional<std::size_t> chosen;   ///< becomes the dataset version: one object, the newest
  std::vector<Superseded> superseded;  ///< every other one, when something was chosen
  std::optional<Instant> due;          ///< nothing chosen yet: ask again then; nothing: there are no events
};

/// `pending` of one source, in the order of arrival. Same input, same answer; a clock that went backwards
/// (received_at after `now`) only delays. Newest: of one key by sequencer, else by the time it happened, else
/// by arrival.
Coalesced coalesce(const std::vector<PendingEvent>& pending, const QuietPeriod& period, Instant now);

}  // namespace tidegate::dataset
