#include "app/server/waiting.h"

#include <algorithm>

#include <fmt/core.h>

#include "base/log.h"
#include "base/text.h"

namespace tidegate::app {
namespace {

/// So many versions of a source are looked at together. When more wait, the oldest are merged first.
constexpr std::int64_t kAtOnce = 500;

bool worth_retrying(Errc code) {
  return code != Errc::kInvalid && code != Errc::kNotFound && code != Errc::kConflict;
}

Millis quiet_of(const std::vector<Version>& waiting) {
  Millis quiet{0};
  for (const Version& version : waiting) quiet = std::max(quiet, version.due_at - version.created_at);
  return quiet;
}

}  // namespace

// Nothing when tidegate.yml has lost the source since: what it says elsewhere decides.
Result<config::DataSource> Waiting::source_of(const Version& version) const {
  auto found = sources_.find(version.project, version.source);
  if (found) return *std::move(found);
  if (sources_.is_reading()) return fail(Errc::kUnavailable, "tidegate.yml has not been read yet");
  config::DataSource gone;
  gone.name = version.source;
  return gone;
}

// What people see of a version that waits.
void Waiting::explain(Version version, const std::string& reason) {
  if (version.reason == reason) return;
  version.reason = reason;
  if (Status saved = ports_.store.save_version(version); !saved)
    log::error("data", "{}", saved.error().message);
}

Result<bool> Waiting::held_by_pin(const Version& version) {
  TG_TRY(const auto pin, ports_.store.pin(version.project, version.source));
  if (!pin) return false;
  TG_TRY(const auto waiting, ports_.store.waiting_versions(version.project, version.source, kAtOnce));
  for (const Version& other : waiting)
    explain(other, fmt::format("the source is pinned to version {} by {}: {}", pin->number,
                               printable(pin->who), printable(pin->reason)));
  return true;
}

Result<std::vector<dataset::PendingEvent>> Waiting::pending_of(const std::vector<Version>& waiting) {
  std::vector<dataset::PendingEvent> out;
  for (const Version& version : waiting) {
    TG_TRY(const auto event, ports_.store.event_of(version.id));
    if (!event) return fail(Errc::kInternal, "a version without its event");
    TG_TRY(const std::int64_t count, ports_.store.count_events(version.id));
    dataset::PendingEvent pending{event->event, version.created_at};
    const auto set = sets_.find(version.id);
    pending.complete = !version.is_set || (set != sets_.end() && set->second.complete);
    pending.alone = version.by_hand;
    pending.events = static_cast<std::size_t>(std::max<std::int64_t>(count, 1));
    out.push_back(std::move(pending));
  }
  return out;
}

// One transaction: which versions are superseded, by which, and why that one stands for them.
Status Waiting::take(std::vector<Version>& waiting, const dataset::Coalesced& coalesced, Version& chosen) {
  return ports_.store.transaction([&]() -> Status {
    for (const auto& other : coalesced.superseded) {
      Version& superseded = waiting[other.index];
      superseded.state = VersionState::kSuperseded;
      superseded.reason = other.reason;
      superseded.finished_at = ports_.clock.now();
      superseded.became = chosen.id;
      TG_CHECK(ports_.store.save_version(superseded));
      TG_CHECK(ports_.store.merge_version(superseded.id, chosen.id));
      sets_.erase(superseded.id);
    }
    if (!chosen.because.empty() && coalesced.superseded.empty()) return {};
    chosen.because = coalesced.because;
    if (chosen.is_set) {
      TG_TRY(const auto members, ports_.store.members(chosen.id));
      chosen.because = fmt::format("all {} objects of the set are there; {}", members.size(), chosen.because);
    }
    return ports_.store.save_version(chosen);
  });
}

// A flood: the oldest are merged at once, so that what is held in memory stays small. True: it was one, and
// the rest is looked at next.
bool Waiting::fold(std::vector<Version>& waiting, const std::vector<dataset::PendingEvent>& pending) {
  if (std::ssize(waiting) < kAtOnce) return false;
  const auto merged = dataset::coalesce(pending, {Millis{0}, Millis{0}}, ports_.clock.now());
  if (!merged.chosen || merged.superseded.empty()) return false;
  Version& chosen = waiting[*merged.chosen];
  if (Status taken = take(waiting, merged, chosen); !taken) {
    steps_.retry_later(chosen, taken.error());
  } else {
    log::info("data", "{} v{} stands for {} more", chosen.source, chosen.number, merged.superseded.size());
    ports_.loop.post([this, id = chosen.id] { steps_.advance(id); });
  }
  return true;
}

// Many may land together; what waits is looked at once.
void Waiting::landed(const Version& version) {
  if (!soon_.emplace(version.project, version.source).second) return;
  ports_.loop.post([this, project = version.project, source = version.source] {
    soon_.erase({project, source});
    wake(project, source);
  });
}

void Waiting::wait(const Version& version) {
  const auto room = steps_.has_room(version);
  if (!room) return steps_.retry_later(version, room.error());
  if (!*room) return;  // the end of one wakes the next
  const auto held = held_by_pin(version);
  if (!held) return steps_.retry_later(version, held.error());
  if (*held) return;
  auto waiting = ports_.store.waiting_versions(version.project, version.source, kAtOnce);
  if (!waiting) return steps_.retry_later(version, waiting.error());
  for (const Version& other : *waiting)
    if (other.is_set && !sets_.contains(other.id)) check(other);
  const auto pending = pending_of(*waiting);
  if (!pending) return steps_.retry_later(version, pending.error());
  if (fold(*waiting, *pending)) return;
  const auto coalesced = dataset::coalesce(*pending, {quiet_of(*waiting), Millis{0}}, ports_.clock.now());
  if (!coalesced.chosen) {
    if (!coalesced.due) return;  // a check of the set, or its next object, goes on
    const Millis delay = std::max(Millis{1}, *coalesced.due - ports_.clock.now() + Millis{1});
    ports_.loop.post_after(delay, [this, id = version.id] { steps_.advance(id); });
    return;
  }
  Version& chosen = (*waiting)[*coalesced.chosen];
  if (Status taken = take(*waiting, coalesced, chosen); !taken)
    return steps_.retry_later(version, taken.error());
  sets_.erase(chosen.id);
  if (!coalesced.superseded.empty())
    log::info("data", "{} v{}: {}", chosen.source, chosen.number, chosen.because);
  steps_.enter(chosen, VersionState::kFetching, chosen.is_set ? "copying the objects" : "copying the object");
}

void Waiting::wake(ProjectId project, const std::string& source) {
  const auto waiting = ports_.store.waiting_versions(project, source, 1);
  if (!waiting) log::error("data", "{}: {}", source, waiting.error().message);
  if (!waiting || waiting->empty()) return;
  ports_.loop.post([this, id = waiting->front().id] { steps_.advance(id); });
}

void Waiting::member_landed(ProjectId project, const std::string& source) {
  const auto waiting = ports_.store.waiting_versions(project, source, kAtOnce);
  if (!waiting) return;
  for (const Version& version : *waiting)
    if (version.is_set) check(version);
}

void Waiting::check(const Version& version) {
  SetState& state = sets_[version.id];
  state.again = state.checking;
  if (state.checking) return;
  const auto source = source_of(version);
  const auto known = ports_.store.members(version.id);
  if (!source || !known) {
    sets_.erase(version.id);
    return steps_.retry_later(version, source ? known.error() : source.error());
  }
  state.checking = true;
  in_background(
      ports_.workers, ports_.loop,
      [this, version, source = *source, known = *known] { return check_set(ports_, source, version, known); },
      [this, version](Result<SetCheck> result) { checked(version, std::move(result)); });
}

void Waiting::checked(const Version& version, Result<SetCheck> result) {
  const auto now = ports_.store.version(version.id);
  if (!now || !*now || (*now)->state != VersionState::kWaiting) return void(sets_.erase(version.id));
  if (!result) {
    sets_.erase(version.id);
    if (worth_retrying(result.error().code)) return steps_.retry_later(**now, result.error());
    return steps_.enter(**now, VersionState::kRejected, result.error().message);
  }
  if (Status saved = ports_.store.set_members(**now, result->members); !saved) {
    sets_.erase(version.id);
    return steps_.retry_later(**now, saved.error());
  }
  SetState& state = sets_[version.id];
  state.checking = false;
  state.complete = result->readiness.complete();
  if (state.complete) {
    ports_.loop.post([this, id = version.id] { steps_.advance(id); });
    return explain(**now, fmt::format("all {} objects of the set are there", result->members.size()));
  }
  explain(**now, result->readiness.reason);
  if (state.again) return check(**now);
  check_later(version.id);
}

// An object may land without an event, or be made what it should be by somebody whom nobody tells of.
void Waiting::check_later(VersionId id) {
  const std::uint64_t timer = ++sets_[id].timer;
  ports_.loop.post_after(ports_.settings.reconcile_every, [this, id, timer] {
    const auto state = sets_.find(id);
    if (state == sets_.end() || state->second.timer != timer || state->second.complete) return;
    const auto version = ports_.store.version(id);
    if (version && *version && (*version)->state == VersionState::kWaiting) {
      check(**version);
    } else {
      sets_.erase(id);
    }
  });
}

void Waiting::fetch(const Version& version) {
  const auto source = source_of(version);
  if (!source) return steps_.retry_later(version, source.error());
  if (version.is_set) return fetch_all(version, *source);
  objects_.fetch(version, source->max_size,
                 [this, version](Result<Version> result) { fetched(version, std::move(result)); });
}

void Waiting::fetch_all(const Version& version, const config::DataSource& source) {
  const auto members = ports_.store.members(version.id);
  if (!members) return steps_.retry_later(version, members.error());
  in_background(
      ports_.workers, ports_.loop,
      [this, version, source, members = *members] { return fetch_set(ports_, source, version, members); },
      [this, version](Result<SetFetch> result) {
        if (!result) return fetched(version, result.error());
        if (Status saved = ports_.store.set_members(version, result->check.members); !saved)
          return steps_.retry_later(version, saved.error());
        if (result->check.readiness.complete()) return fetched(version, std::move(result->version));
        steps_.enter(version, VersionState::kWaiting, result->check.readiness.reason);
      });
}

void Waiting::fetched(const Version& version, Result<Version> result) {
  if (!result && worth_retrying(result.error().code)) return steps_.retry_later(version, result.error());
  if (!result) return steps_.step(version, dataset::Unusable{result.error().message});
  const auto bad =
      ports_.store.quarantined_data(version.project, version.source, result->identity, result->sha256);
  if (!bad) return steps_.retry_later(version, bad.error());
  if (*bad) {
    return steps_.step(*result, dataset::Unusable{fmt::format(
                                    "these bytes are in quarantine (version {}, by {}): {}", (*bad)->number,
                                    printable((*bad)->who), printable((*bad)->reason))});
  }
  steps_.step(*result, dataset::Fetched{});
}

}  // namespace tidegate::app
