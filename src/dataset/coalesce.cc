#include "dataset/coalesce.h"

#include <algorithm>
#include <map>

#include <fmt/core.h>

#include "base/text.h"

namespace tidegate::dataset {
namespace {

Instant ready_at(const std::vector<PendingEvent>& pending, const QuietPeriod& period) {
  const auto [first, last] = std::ranges::minmax(pending, {}, &PendingEvent::received_at);
  const Instant quiet = last.received_at + period.quiet;
  return period.at_most > Millis{0} ? std::min(quiet, first.received_at + period.at_most) : quiet;
}

// Whether `a` is newer than `b`; both of one key, `a` arrived later.
bool is_newer(const ObjectEvent& a, const ObjectEvent& b) {
  if (!a.sequencer.empty() && !b.sequencer.empty()) return compare_sequencers(a.sequencer, b.sequencer) >= 0;
  return a.occurred_at >= b.occurred_at;
}

// The newest of those that `counts` lets count, by key and then by time; and which were the newest of their
// key.
struct Newest {
  std::optional<std::size_t> of_all;
  std::map<std::string_view, std::size_t> of_key;
};

Newest newest_of(const std::vector<PendingEvent>& pending, bool (*counts)(const PendingEvent&)) {
  Newest newest;
  for (std::size_t i = 0; i < pending.size(); ++i) {
    if (!counts(pending[i])) continue;
    const auto [entry, is_first] = newest.of_key.emplace(pending[i].event.key, i);
    if (!is_first && is_newer(pending[i].event, pending[entry->second].event)) entry->second = i;
  }
  for (std::size_t i = 0; i < pending.size(); ++i) {
    const auto entry = newest.of_key.find(pending[i].event.key);
    if (!counts(pending[i]) || entry->second != i) continue;
    if (!newest.of_all || pending[i].event.occurred_at >= pending[*newest.of_all].event.occurred_at)
      newest.of_all = i;
  }
  return newest;
}

// Whether a set that is not complete is older than the one that was chosen.
bool is_overtaken(const PendingEvent& incomplete, const PendingEvent& chosen, bool came_before) {
  if (incomplete.event.key == chosen.event.key) {
    return came_before ? is_newer(chosen.event, incomplete.event) : !is_newer(incomplete.event, chosen.event);
  }
  return incomplete.event.occurred_at < chosen.event.occurred_at ||
         (incomplete.event.occurred_at == chosen.event.occurred_at && came_before);
}

std::string why_superseded(const PendingEvent& chosen, bool same_key) {
  return same_key ? "a newer version of this key came in the same quiet period"
                  : fmt::format("{} came in the same quiet period and is newer", printable(chosen.event.key));
}

std::string why_chosen(const std::vector<PendingEvent>& pending, const Coalesced& result,
                       const QuietPeriod& period) {
  const PendingEvent& chosen = pending[*result.chosen];
  if (chosen.alone) return "it was asked for by hand and runs by itself";
  const std::string quiet =
      period.quiet > Millis{0} ? fmt::format(", then nothing for {}", format_duration(period.quiet)) : "";
  std::size_t events = chosen.events;
  Instant first = chosen.received_at;
  Instant last = chosen.received_at;
  for (const auto& other : result.superseded) {
    events += pending[other.index].events;
    first = std::min(first, pending[other.index].received_at);
    last = std::max(last, pending[other.index].received_at);
  }
  if (events == 1) return fmt::format("it landed at {}{}", format_iso8601(first), quiet);
  return fmt::format("{} events came between {} and {}{}; this one is the newest", events,
                     format_iso8601(first), format_iso8601(last), quiet);
}

std::optional<std::size_t> oldest_by_hand(const std::vector<PendingEvent>& pending) {
  const auto found = std::ranges::find(pending, true, &PendingEvent::alone);
  if (found == pending.end()) return std::nullopt;
  return static_cast<std::size_t>(found - pending.begin());
}

}  // namespace

Coalesced coalesce(const std::vector<PendingEvent>& pending, const QuietPeriod& period, Instant now) {
  Coalesced result;
  if (pending.empty()) return result;
  result.chosen = oldest_by_hand(pending);
  // A set by hand that is not complete holds up what was asked for after it: they have an order.
  if (result.chosen && !pending[*result.chosen].complete) return {};
  if (!result.chosen) {
    const Newest newest = newest_of(pending, [](const PendingEvent& p) { return p.complete; });
    if (!newest.of_all) return result;
    if (const Instant ready = ready_at(pending, period); now < ready) {
      result.due = ready;
      return result;
    }
    result.chosen = newest.of_all;
    const PendingEvent& chosen = pending[*result.chosen];
    for (std::size_t i = 0; i < pending.size(); ++i) {
      if (i == *result.chosen) continue;
      const bool came_before = i < *result.chosen;
      if (!pending[i].complete && !is_overtaken(pending[i], chosen, came_before)) continue;
      const auto entry = newest.of_key.find(pending[i].event.key);
      const bool same_key = entry != newest.of_key.end() && entry->second != i;
      result.superseded.push_back({i, why_superseded(chosen, same_key)});
    }
  }
  result.because = why_chosen(pending, result, period);
  return result;
}

}  // namespace tidegate::dataset
