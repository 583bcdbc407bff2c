#include "dataset/intake.h"

#include <algorithm>
#include <chrono>

#include <fmt/core.h>

#include "base/text.h"
#include "dataset/glob.h"

namespace tidegate::dataset {
namespace {

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
  // A manifest names its members itself, and a marker is wanted whatever `include` says of them.
  if (!filter.manifest.empty()) return std::nullopt;
  if (!filter.marker.empty() && announces(filter, event.key)) return std::nullopt;
  if (!filter.include.empty() && std::ranges::none_of(filter.include, matches)) {
    return verdict(Verdict::kFiltered,
                   "matched by none of include: " + printable(join(filter.include, ", ")));
  }
  return std::nullopt;
}

std::chrono::sys_seconds seconds_of(Instant when) {
  return std::chrono::floor<std::chrono::seconds>(when);
}

// Whether the newest version was learnt from a listing: no sequencer, a whole second, where others tell more.
bool is_listed(const KeyState& known, const ObjectEvent& event) {
  const bool tells_more = !event.sequencer.empty() || event.occurred_at != seconds_of(event.occurred_at);
  return known.sequencer.empty() && known.occurred_at == seconds_of(known.occurred_at) && tells_more;
}

// Listings tell time in whole seconds, so a known time is cut to seconds before it is compared with one. What
// happened in the second of a version that a listing told of is taken for older: if it is not, the next
// listing shows it as the newest.
bool is_older_by_time(const ObjectEvent& event, const KeyState& known) {
  if (event.origin == Origin::kListing) return event.occurred_at < seconds_of(known.occurred_at);
  if (is_listed(known, event)) return seconds_of(event.occurred_at) <= seconds_of(known.occurred_at);
  return event.occurred_at < known.occurred_at;
}

bool is_same_provider(const ObjectEvent& event, const KeyState& known) {
  return known.sequencer_by.empty() || known.sequencer_by == event.provider;
}

// Why the event is older than what is known; empty when it is newer.
std::string why_superseded(const ObjectEvent& event, const KeyState& known) {
  // A folder is looked at, not told of: what is there now is the newest, whatever time the file was copied
  // with.
  if (event.origin == Origin::kDirectory) return "";
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
  return {};
}

// The same version told again: the mark for later events may get better by it.
bool has_better_mark(const ObjectEvent& event, const KeyState& known) {
  if (event.sequencer.empty()) return false;
  if (known.sequencer.empty()) return true;
  return is_same_provider(event, known) && compare_sequencers(event.sequencer, known.sequencer) > 0;
}

}  // namespace

bool announces(const SourceFilter& filter, std::string_view key) {
  if (!key.starts_with(filter.prefix)) return false;
  const std::string_view rest = key.substr(filter.prefix.size());
  if (!filter.manifest.empty()) return glob_match(filter.manifest, rest);
  if (filter.marker.empty()) return true;
  return rest.ends_with(filter.marker) &&
         (rest.size() == filter.marker.size() || rest[rest.size() - filter.marker.size() - 1] == '/');
}

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
    case Verdict::kMember:
      return "member";
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
    if (is_newest && has_better_mark(event, *known)) {
      decision.state =
          KeyState{known->identity, to_upper(event.sequencer), known->occurred_at, event.provider};
    }
    return decision;
  }
  if (known) {
    if (std::string why = why_superseded(event, *known); !why.empty()) {
      return {Verdict::kSuperseded, std::move(why), std::nullopt};
    }
  }
  KeyState state{id, to_upper(event.sequencer), event.occurred_at, event.provider};
  if (!announces(filter, event.key))
    return {Verdict::kMember, "part of a set: waits for its manifest or marker", std::move(state)};
  return {Verdict::kNew, known ? "a new version of a known key" : "a new key", std::move(state)};
}

}  // namespace tidegate::dataset
