// What people ask of the server to keep it in order: tokens, quarantine, lists, replays.
#include <algorithm>

#include <fmt/core.h>

#include "app/server/server.h"
#include "base/log.h"
#include "base/sha256.h"
#include "base/text.h"

namespace tidegate::app {

Result<std::string> Server::create_token(TokenKind kind, ProjectId project, const std::string& name) {
  const std::string token = fmt::format("tg{}-{}", to_string(kind), random_hex(20));
  TG_CHECK(ports_.loop.call([&]() -> Status {
    Token record;
    record.kind = kind;
    record.project = project;
    record.name = name;
    record.sha256 = sha256_hex(token);
    record.created_at = ports_.clock.now();
    TG_CHECK(ports_.store.add_token(record));
    return {};
  }));
  return token;
}
Result<std::vector<Token>> Server::tokens(ProjectId project) {
  return ports_.loop.call([&] { return ports_.store.tokens(project); });
}
Status Server::revoke_token(ProjectId project, std::int64_t id) {
  return ports_.loop.call([&] { return ports_.store.remove_token(project, id); });
}

Result<std::vector<Pipeline>> Server::pipelines(ProjectId project, const PipelineFilter& filter,
                                                std::int64_t limit, std::int64_t offset) {
  return ports_.loop.call([&] { return ports_.store.pipelines(project, filter, limit, offset); });
}
Result<std::int64_t> Server::count_pipelines(ProjectId project, const PipelineFilter& filter) {
  return ports_.loop.call([&] { return ports_.store.count_pipelines(project, filter); });
}

Result<std::vector<Quarantined>> Server::quarantined(ProjectId project) {
  return ports_.loop.call([&] { return ports_.store.quarantined(project); });
}
Status Server::lift_quarantine(ProjectId project, const std::string& digest) {
  return ports_.loop.call([&] { return ports_.store.lift_quarantine(project, digest); });
}

Result<Version> Server::version_now(ProjectId project, const std::string& source, std::int64_t number) {
  TG_TRY(const auto all, ports_.store.versions(project, source, 100000));
  const auto at = std::ranges::find(all, number, &Version::number);
  if (at == all.end() || source.empty())
    return fail(Errc::kNotFound, fmt::format("source {} has no version {}", printable(source), number));
  return *at;
}
Result<Version> Server::version(ProjectId project, const std::string& source, std::int64_t number) {
  return ports_.loop.call([&] { return version_now(project, source, number); });
}

Result<std::optional<GateRecord>> Server::gate_record(VersionId version) {
  return ports_.loop.call([&] { return ports_.store.gate_record(version); });
}

Result<Version> Server::replay(ProjectId project, const std::string& source, std::int64_t number) {
  return ports_.loop.call([&]() -> Result<Version> {
    TG_TRY(const Version old, version_now(project, source, number));
    const std::string name = fmt::format("{}/{}", source, number);
    if (!is_final(old.state))
      return fail(Errc::kConflict, fmt::format("{} is under way ({})", name, to_string(old.state)));
    if (!sources_.find(project, source))
      return fail(Errc::kNotFound, fmt::format("tidegate.yml has no source {} any more", printable(source)));
    TG_TRY(const auto events, ports_.store.events(project, source, old.id, 1));
    if (events.empty()) return fail(Errc::kConflict, name + " has no event that could be replayed");
    Version fresh = old;
    fresh.state = VersionState::kWaiting;
    fresh.reason = "replay of " + name;
    fresh.base_sha.clear();
    fresh.candidate_sha.clear();
    fresh.pipeline = PipelineId{};
    fresh.attempt = 0;
    fresh.created_at = fresh.due_at = ports_.clock.now();
    fresh.finished_at.reset();
    EventRecord event = events.front();
    event.verdict = "replayed";
    event.reason = fresh.reason;
    event.received_at = fresh.created_at;
    TG_CHECK(ports_.store.transaction([&]() -> Status {
      TG_TRY(fresh, ports_.store.add_version(fresh));
      // A person wants it tried: that lifts the quarantine.
      TG_TRY(auto gate, ports_.store.gate_record(old.id));
      if (gate && gate->quarantined) {
        gate->quarantined = false;
        TG_CHECK(ports_.store.put_gate_record(*gate));
      }
      event.version = fresh.id;
      TG_CHECK(ports_.store.add_event(event));
      return {};
    }));
    log::info("data", "{} v{}: {}", source, fresh.number, fresh.reason);
    gate_.landed(fresh);
    return fresh;
  });
}

}  // namespace tidegate::app
