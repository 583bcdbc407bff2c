#include "dataset/intake.h"

#include <algorithm>
#include <chrono>

#include <fmt/core.h>

#include "base/text.h"
#include "dataset/glob.h"

namespace tidegate::dataset {
namespace {

// A sequencer that rose while the time fell by more than this: the newest version was learnt from a listing,
// which has no sequencers, and this is an older one that comes late.
constexpr Millis kClockSlack{5000};

std::optional<Decision> refuse(const SourceFilter& filter, const ObjectEvent& event) {
  const auto verdict = [](Verdict what, std::string why) {
    return Decision{what, std::move(why), std::nullopt};
  };
  if (event.key.empty()) return verdict(Verdict::kIgnored, "an empty key");
  if (event.key.ends_with('/')) return verdict(Verdict::kIgnored, "a folder marker, no data");
  if (event.key.find('\0') != std::string::npos) {
    return verdict(Verdict::kFiltered, "the key holds a NUL byte, which no file name can");
  }
  if (event.bucket != filter.bucket) {
    return verdict(Verdict::kFiltered,
                   fmt::format("bucket {}, not {}", printable(event.bucket), filter.bucket));
  }
  if (!event.key.starts_with(filter.prefix)) {
    return verdict(Verdict::kFiltered, "not below " + printable(filter.prefix));
  }
  const std::string_view rest = std::string_view(event.key).substr(filter.prefix.size());
  const auto matches = [rest](const std::string& glob) { return glob_match(glob, rest); };
  if (!filter.include.empty() && std::ranges::none_of(filter.include, matches)) {
    return verdict(Verdict::kFiltered,
                   "matched by none of include: " + printable(join(filter.include, ", ")));
  }
  return std::nullopt;
}

// Listings tell time in whole seconds, so a known time is cut to seconds before it is compared with one.
bool is_older_by_time(const ObjectEvent& event, const KeyState& known) {
  if (event.origin == Origin::kListing) {
    return event.occurred_at < std::chrono::floor<std::chrono::seconds>(known.occurred_at);
  }
  return event.occurred_at < known.occurred_at;
}

bool is_same_provider(const ObjectEvent& event, const KeyState& known) {
  return known.sequencer_by.empty() || known.sequencer_by == event.provider;
}

// Why the event is older than what is known; empty when it is newer.
std::string why_superseded(const ObjectEvent& event, const KeyState& known) {
  const std::string newer = "a newer version is known, of " + format_iso8601(known.occurred_at);
  if (event.sequencer.empty() || known.sequencer.empty() || !is_same_provider(event, known)) {
    return is_older_by_time(event, known) ? newer : "";
  }
  // Equal ones of different versions are none that S3 made (some stores always send the same): the time
  // decides.
  const int order = compare_sequencers(event.sequencer, known.sequencer);
  if (order < 0 || (order == 0 && event.occurred_at <= known.occurred_at)) {
    return fmt::format("sequencer {} does not come after {}", printable(event.sequencer), known.sequencer);
  }
  return event.occurred_at + kClockSlack < known.occurred_at ? newer : "";
}

bool keeps_mark(const ObjectEvent& event, const KeyState& known, bool is_known_version) {
  if (known.sequencer.empty()) return false;
  if (event.sequencer.empty()) return true;
  if (!is_same_provider(event, known)) return is_known_version;
  return compare_sequencers(event.sequencer, known.sequencer) <= 0;
}

// What is remembered of the newest version of a key; of the same version told again, the better mark.
KeyState newest(const ObjectEvent& event, const std::optional<KeyState>& known, bool is_known_version) {
  KeyState state{identity(event), to_upper(event.sequencer), event.occurred_at, event.provider};
  if (!known) return state;
  if (is_known_version) state.occurred_at = known->occurred_at;
  if (keeps_mark(event, *known, is_known_version)) {
    state.sequencer = known->sequencer;
    state.sequencer_by = known->sequencer_by;
  }
  return state;
}

}  // namespace

std::string_view to_string(Verdict verdict) {
  switch (verdict) {
    case Verdict::kNew:
      return "new";
    case Verdict::kDuplicate:
      return "duplicate";
    case Verdict::kSuperseded:
      return "superseded";
    case Verdict::kFiltered:
      return "filtered";
    case Verdict::kIgnored:
      return "ignored";
  }
  return "ignored";
}

Decision decide(const SourceFilter& filter, const ObjectEvent& event, const std::optional<KeyState>& known,
                bool seen_before) {
  if (auto refused = refuse(filter, event)) return *std::move(refused);
  const std::string id = identity(event);
  const bool is_newest = known && known->identity == id;
  if (seen_before || is_newest) {
    Decision decision{Verdict::kDuplicate, "this version was announced before", std::nullopt};
    // The same version told again, now with a sequencer: the mark for later events gets better.
    if (is_newest) {
      KeyState state = newest(event, known, true);
      if (state.sequencer != known->sequencer) decision.state = std::move(state);
    }
    return decision;
  }
  if (known) {
    if (std::string why = why_superseded(event, *known); !why.empty()) {
      return {Verdict::kSuperseded, std::move(why), std::nullopt};
    }
  }
  return {Verdict::kNew, known ? "a new version of a known key" : "a new key", newest(event, known, false)};
}

}  // namespace tidegate::dataset
