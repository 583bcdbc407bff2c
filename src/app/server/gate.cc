#include "app/server/gate.h"

#include <algorithm>

#include <fmt/core.h>

#include "base/log.h"
#include "base/text.h"

namespace tidegate::app {
namespace {

constexpr Millis kLookAgain{200};

Millis backoff(int failures) {
  return Millis{1000} * std::min(1 << std::min(failures, 6), 60);
}

}  // namespace

Gate::Gate(ServerPorts& ports, Pipelines& pipelines, Deliveries& deliveries, const Candidates& candidates)
    : ports_(ports),
      objects_(ports),
      pipelines_(pipelines),
      deliveries_(deliveries),
      candidates_(candidates),
      diagnoses_(ports, pipelines, candidates) {
  diagnoses_.on_done(
      [this](const Version& version, const GateRecord& record) { diagnosed(version, record); });
  diagnoses_.on_trouble([this](const Version& version, const Error& error) { retry_later(version, error); });
}

void Gate::landed(const Version& version) {
  advance(version.id);
}

Status Gate::resume() {
  TG_TRY(const auto unfinished, ports_.store.unfinished_versions());
  for (const Version& version : unfinished) advance(version.id);
  return {};
}

void Gate::advance(VersionId id) {
  const auto found = ports_.store.version(id);
  if (!found || !*found) return;
  const Version& version = **found;
  if (is_final(version.state) || !settings_or_later(version)) return;
  if (version.state == VersionState::kWaiting) return wait(version);
  // One try of a step at a time: a timer, an event and a restart may all ask for it.
  if (!busy_.insert(id).second) return;
  switch (version.state) {
    case VersionState::kFetching:
      return fetch(version);
    case VersionState::kBinding:
      return bind(version);
    case VersionState::kTesting:
      return test(version);
    case VersionState::kPromoting:
      return promote(version);
    case VersionState::kRollingBack:
      return roll_back(version);
    case VersionState::kDiagnosing:
      return diagnose(version);
    case VersionState::kWaiting:
    case VersionState::kBaseline:
    case VersionState::kLive:
    case VersionState::kRejected:
    case VersionState::kSuperseded:
      return;
  }
}

std::optional<config::GateSettings> Gate::settings_or_later(const Version& version) {
  auto settings = candidates_.settings(version.project, version.source);
  if (!settings) ports_.loop.post_after(kLookAgain, [this, id = version.id] { advance(id); });
  return settings;
}

void Gate::step(const Version& version, const dataset::GateEvent& event) {
  const auto next = dataset::next_step({version.state, version.attempt, version.branch}, event);
  if (!next) return void(busy_.erase(version.id));
  enter(version, next->to, next->reason);
}

void Gate::enter(Version version, VersionState state, std::string reason) {
  version.state = state;
  version.reason = std::move(reason);
  if (is_final(state)) version.finished_at = ports_.clock.now();
  failures_.erase(version.id);
  busy_.erase(version.id);
  if (Status saved = ports_.store.save_version(version); !saved) return retry_later(version, saved.error());
  log::info("data", "{} v{}: {} ({})", version.source, version.number, to_string(state), version.reason);
  if (is_final(state) || state == VersionState::kDiagnosing) finish_source(version);
  if (state != VersionState::kFetching && state != VersionState::kPromoting) wake_train(version);
  if (!is_final(state)) ports_.loop.post([this, id = version.id] { advance(id); });
}

void Gate::wake_train(const Version& version) {
  const auto unfinished = ports_.store.unfinished_versions();
  if (!unfinished) return log::error("data", "{}", unfinished.error().message);
  for (const Version& other : *unfinished) {
    const bool same_branch = other.project == version.project && other.branch == version.branch;
    if (same_branch && other.id > version.id && dataset::is_under_way(other.state))
      ports_.loop.post([this, id = other.id] { advance(id); });
  }
  ports_.loop.post([this] { pipelines_.offer(); });
}

void Gate::note(const Version& version, const std::string& reason) {
  busy_.erase(version.id);
  auto stored = ports_.store.version(version.id);
  if (!stored || !*stored || (*stored)->reason == reason) return;
  (*stored)->reason = reason;
  if (Status saved = ports_.store.save_version(**stored); !saved)
    log::error("data", "{}", saved.error().message);
}

// The step is made again from what is stored; what people see says why it waits.
void Gate::retry_later(const Version& version, const Error& error) {
  const int failures = ++failures_[version.id];
  busy_.erase(version.id);
  log::warn("data", "{} v{}: {}; trying again", version.source, version.number, error.message);
  if (auto stored = ports_.store.version(version.id); stored && *stored) {
    (*stored)->reason = error.message + "; trying again";
    if (Status saved = ports_.store.save_version(**stored); !saved)
      log::error("data", "{}", saved.error().message);
  }
  ports_.loop.post_after(backoff(failures), [this, id = version.id] { advance(id); });
}

// The next waiting version of the source may go now.
void Gate::finish_source(const Version& version) {
  const auto versions = ports_.store.versions(version.project, version.source, 200);
  if (!versions) return;
  for (const Version& other : *versions) {
    if (other.state == VersionState::kWaiting) {
      ports_.loop.post([this, id = other.id] { advance(id); });
      return;
    }
  }
}

// A version that has failed, and only its diagnosis is still running, is in nobody's way.
bool Gate::has_room(const std::vector<Version>& versions, int in_flight) const {
  return std::ranges::count_if(
             versions, [](const Version& one) { return dataset::is_under_way(one.state); }) < in_flight;
}

// What waits of a source is coalesced after its quiet period: one version runs, the others are superseded;
// and none runs while as many of the source are under way as it allows.
void Gate::wait(Version version) {
  const auto versions = ports_.store.versions(version.project, version.source, 200);
  if (!versions) return retry_later(version, versions.error());
  const auto settings = candidates_.settings(version.project, version.source);
  if (!has_room(*versions, settings ? settings->in_flight : 1)) return;  // the end of one wakes the next
  std::vector<Version> waiting;
  for (const Version& other : *versions) {
    if (other.state == VersionState::kWaiting) waiting.push_back(other);
  }
  std::ranges::reverse(waiting);  // in the order of arrival
  const auto pending = pending_events(waiting);
  if (!pending) return retry_later(version, pending.error());
  const Instant now = ports_.clock.now();
  const Millis quiet = waiting.back().due_at - waiting.back().created_at;
  const auto coalesced = dataset::coalesce(*pending, {quiet, Millis{0}}, now);
  if (!coalesced.chosen) {
    const Millis delay = coalesced.due ? std::max(Millis{1}, *coalesced.due - now + Millis{1}) : quiet;
    ports_.loop.post_after(delay, [this, id = version.id] { advance(id); });
    return;
  }
  for (const auto& other : coalesced.superseded) {
    enter(waiting[other.index], VersionState::kSuperseded, other.reason);
  }
  enter(waiting[*coalesced.chosen], VersionState::kFetching, "copying the object");
}

Result<std::vector<dataset::PendingEvent>> Gate::pending_events(const std::vector<Version>& waiting) {
  std::vector<dataset::PendingEvent> out;
  for (const Version& version : waiting) {
    TG_TRY(const auto events, ports_.store.events(version.project, version.source, version.id, 1));
    if (events.empty()) return fail(Errc::kInternal, "a version without its event");
    out.push_back({events.front().event, version.created_at});
  }
  return out;
}

void Gate::fetch(Version version) {
  const auto settings = candidates_.settings(version.project, version.source);
  const std::uint64_t most = settings ? settings->most_bytes : 0;
  objects_.fetch(
      version,
      [this, version](const Result<Version>& fetched) {
        if (fetched) return step(*fetched, dataset::Fetched{});
        if (worth_retrying(fetched.error().code)) return retry_later(version, fetched.error());
        step(version, dataset::Unusable{fetched.error().message});
      },
      most);
}

}  // namespace tidegate::app
