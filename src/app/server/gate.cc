#include "app/server/gate.h"

#include <algorithm>

#include <fmt/core.h>

#include "app/server/lineage_log.h"
#include "base/log.h"
#include "base/text.h"

namespace tidegate::app {
namespace {

constexpr Millis kLookAgain{200};

Millis backoff(int failures) {
  return Millis{1000} * std::min(1 << std::min(failures, 6), 60);
}

}  // namespace

Gate::Gate(ServerPorts& ports, Pipelines& pipelines, Deliveries& deliveries, const Candidates& candidates,
           const Sources& sources)
    : ports_(ports),
      waiting_(
          ports, sources,
          {.enter = [this](Version version, VersionState state,
                           std::string reason) { enter(std::move(version), state, std::move(reason)); },
           .step = [this](const Version& version, const dataset::GateEvent& event) { step(version, event); },
           .retry_later = [this](const Version& version, const Error& error) { retry_later(version, error); },
           .advance = [this](VersionId id) { advance(id); },
           .has_room = [this](const Version& version) { return has_room(version); }}),
      pipelines_(pipelines),
      deliveries_(deliveries),
      candidates_(candidates),
      diagnoses_(ports, pipelines, candidates) {
  diagnoses_.on_done(
      [this](const Version& version, const GateRecord& record) { diagnosed(version, record); });
  diagnoses_.on_trouble([this](const Version& version, const Error& error) { retry_later(version, error); });
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
  if (version.state == VersionState::kWaiting) return waiting_.wait(version);
  // One try of a step at a time: a timer, an event and a restart may all ask for it.
  if (!busy_.insert(id).second) return;
  switch (version.state) {
    case VersionState::kFetching:
      return waiting_.fetch(version);
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
    case VersionState::kSkipped:
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
  if (Status saved = save_and_record(ports_, version); !saved) return retry_later(version, saved.error());
  log::info("data", "{} v{}: {} ({})", version.source, version.number, to_string(state), version.reason);
  if (is_final(state) || state == VersionState::kDiagnosing) waiting_.wake(version.project, version.source);
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

// A version that has failed, and only its diagnosis is still running, is in nobody's way.
Result<bool> Gate::has_room(const Version& version) const {
  TG_TRY(const auto unfinished, ports_.store.unfinished_versions());
  const auto settings = candidates_.settings(version.project, version.source);
  const auto under_way = std::ranges::count_if(unfinished, [&](const Version& other) {
    return other.project == version.project && other.source == version.source &&
           dataset::is_under_way(other.state);
  });
  return under_way < (settings ? settings->in_flight : 1);
}

}  // namespace tidegate::app
