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

}  // namespace

Coalesced coalesce(const std::vector<PendingEvent>& pending, const QuietPeriod& period, Instant now) {
  Coalesced result;
  if (pending.empty()) return result;
  if (const Instant ready = ready_at(pending, period); now < ready) {
    result.due = ready;
    return result;
  }
  std::map<std::string_view, std::size_t> newest_of_key;
  for (std::size_t i = 0; i < pending.size(); ++i) {
    const auto [entry, is_first] = newest_of_key.emplace(pending[i].event.key, i);
    if (!is_first && is_newer(pending[i].event, pending[entry->second].event)) entry->second = i;
  }
  for (std::size_t i = 0; i < pending.size(); ++i) {
    if (newest_of_key.at(pending[i].event.key) != i) continue;
    if (!result.chosen || pending[i].event.occurred_at >= pending[*result.chosen].event.occurred_at)
      result.chosen = i;
  }
  const ObjectEvent& chosen = pending[*result.chosen].event;
  for (std::size_t i = 0; i < pending.size(); ++i) {
    if (i == *result.chosen) continue;
    const bool same_key = newest_of_key.at(pending[i].event.key) != i;
    result.superseded.push_back(
        {i, same_key ? "a newer version of this key came in the same quiet period"
                     : fmt::format("{} came in the same quiet period and is newer", printable(chosen.key))});
  }
  return result;
}

}  // namespace tidegate::dataset
