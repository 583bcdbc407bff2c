// What people do to data: pin, skip, quarantine, replay, backfill.
#include <algorithm>

#include <fmt/core.h>

#include "app/server/server.h"
#include "base/log.h"
#include "base/text.h"
#include "dataset/glob.h"
#include "dataset/intake.h"

namespace tidegate::app {
namespace {

constexpr std::int64_t kPage = 2000;
constexpr std::size_t kLongestReason = 1000;

std::string name_of(const Version& version) {
  return fmt::format("{}/{}", version.source, version.number);
}

std::string by(const Server::Deed& deed) {
  return fmt::format("by {}: {}", deed.who, deed.reason);
}

Error under_way(const Version& version) {
  return fail(Errc::kConflict,
              fmt::format("{} is under way ({})", name_of(version), to_string(version.state)));
}

Error in_quarantine(const std::string& name, const DataAction& action) {
  return fail(Errc::kConflict, fmt::format("{} is in quarantine since {}, by {}: {}", name,
                                           format_iso8601(action.at), action.who, action.reason));
}

// What holds nothing up needs no reason.
Server::Deed with_reason(Server::Deed deed) {
  if (deed.reason.empty()) deed.reason = "no reason given";
  return deed;
}

// A version like that one, before it has been anywhere.
Version fresh_copy(const Version& old, Instant now) {
  Version fresh = old;
  fresh.state = VersionState::kWaiting;
  fresh.reason = "replay of " + name_of(old);
  fresh.base_sha.clear();
  fresh.candidate_sha.clear();
  fresh.pipeline = PipelineId{};
  fresh.attempt = 0;
  fresh.created_at = fresh.due_at = now;
  fresh.finished_at.reset();
  fresh.by_hand = true;
  fresh.because.clear();
  fresh.became = VersionId{};
  return fresh;
}

// A person wants it tried again: what its failure brought is lifted.
Status lift_gate_quarantine(Store& store, VersionId version) {
  TG_TRY(auto gate, store.gate_record(version));
  if (!gate || !gate->quarantined) return {};
  gate->quarantined = false;
  return store.put_gate_record(*gate);
}

}  // namespace

Result<Version> Server::version_now(ProjectId project, const std::string& source, std::int64_t number) {
  TG_TRY(const auto found, ports_.store.version_numbered(project, source, number));
  if (!found || source.empty())
    return fail(Errc::kNotFound, fmt::format("source {} has no version {}", printable(source), number));
  return *found;
}
Result<Version> Server::version(ProjectId project, const std::string& source, std::int64_t number) {
  return ports_.loop.call([&] { return version_now(project, source, number); });
}
Result<std::optional<GateRecord>> Server::gate_record(VersionId version) {
  return ports_.loop.call([&] { return ports_.store.gate_record(version); });
}
Result<std::vector<SetMember>> Server::members(VersionId version) {
  return ports_.loop.call([&] { return ports_.store.members(version); });
}
Result<std::vector<DataAction>> Server::data_actions(ProjectId project, const std::string& source) {
  return ports_.loop.call([&] { return ports_.store.data_actions(project, source, 100); });
}
Result<std::vector<DataAction>> Server::pins(ProjectId project) {
  return ports_.loop.call([&]() -> Result<std::vector<DataAction>> {
    std::vector<DataAction> out;
    const config::ProjectFile* file = sources_.file(project);
    if (file == nullptr) return out;
    for (const config::DataSource& source : file->data) {
      TG_TRY(const auto pin, ports_.store.pin(project, source.name));
      if (pin) out.push_back(*pin);
    }
    return out;
  });
}

Status Server::check_deed(ProjectId project, const std::string& source, const Deed& deed) const {
  if (trim(deed.reason).empty()) return fail(Errc::kInvalid, "say why: a reason is missing");
  if (deed.reason.size() > kLongestReason || !is_utf8(deed.reason))
    return fail(Errc::kInvalid, fmt::format("a reason is text of at most {} bytes", kLongestReason));
  if (!sources_.find(project, source))
    return fail(Errc::kNotFound, fmt::format("tidegate.yml has no source {}", printable(source)));
  return {};
}

Status Server::record(const std::string& action, const Version& version, const Deed& deed) {
  DataAction entry;
  entry.project = version.project;
  entry.source = version.source;
  entry.version = version.id;
  entry.number = version.number;
  entry.action = action;
  entry.identity = version.identity;
  entry.sha256 = version.sha256;
  entry.who = deed.who;
  entry.reason = deed.reason;
  entry.at = ports_.clock.now();
  TG_CHECK(ports_.store.add_data_action(entry));
  log::info("data", "{}: {} {}", version.number > 0 ? name_of(version) : version.source, action, by(deed));
  return {};
}

Result<Version> Server::replay(ProjectId project, const std::string& source, std::int64_t number,
                               const Deed& given) {
  const Deed deed = with_reason(given);
  return ports_.loop.call([&]() -> Result<Version> {
    TG_TRY(const Version old, version_now(project, source, number));
    if (!is_final(old.state)) return under_way(old);
    TG_CHECK(check_deed(project, source, deed));
    TG_TRY(const auto bad, ports_.store.quarantined_data(project, source, old.identity, old.sha256));
    if (bad) return in_quarantine(name_of(old), *bad);
    TG_TRY(auto event, ports_.store.event_of(old.id));
    if (!event) return fail(Errc::kConflict, name_of(old) + " has no event that could be replayed");
    TG_TRY(const auto members, ports_.store.members(old.id));
    Version fresh = fresh_copy(old, ports_.clock.now());
    event->verdict = "replayed";
    event->reason = fresh.reason;
    event->received_at = fresh.created_at;
    TG_CHECK(ports_.store.transaction([&]() -> Status {
      TG_TRY(fresh, ports_.store.add_version(fresh));
      event->version = fresh.id;
      TG_CHECK(ports_.store.add_event(*event));
      TG_CHECK(ports_.store.set_members(fresh, members));
      TG_CHECK(lift_gate_quarantine(ports_.store, old.id));
      return record("replay", old, deed);
    }));
    gate_.landed(fresh);
    return fresh;
  });
}

Status Server::pin(ProjectId project, const std::string& source, std::int64_t number, const Deed& deed) {
  return ports_.loop.call([&]() -> Status {
    TG_CHECK(check_deed(project, source, deed));
    TG_TRY(const Version version, version_now(project, source, number));
    TG_TRY(const auto live, ports_.store.live_version(project, source));
    if (!live || live->id != version.id)
      return fail(Errc::kConflict, live ? fmt::format("{} is live, not {}: replay {} first", name_of(*live),
                                                      number, name_of(version))
                                        : fmt::format("no version of {} is live", source));
    TG_TRY(const auto other, ports_.store.version_under_way(project, source));
    if (other) return under_way(*other);
    TG_CHECK(record("pin", version, deed));
    gate_.wake(project, source);
    return {};
  });
}

Status Server::unpin(ProjectId project, const std::string& source, const Deed& deed) {
  return ports_.loop.call([&]() -> Status {
    TG_CHECK(check_deed(project, source, deed));
    TG_TRY(const auto pin, ports_.store.pin(project, source));
    if (!pin) return fail(Errc::kConflict, source + " is not pinned");
    Version whole;
    whole.project = project;
    whole.source = source;
    TG_CHECK(record("unpin", whole, deed));
    gate_.wake(project, source);
    return {};
  });
}

Result<Version> Server::skip(ProjectId project, const std::string& source, std::int64_t number,
                             const Deed& deed) {
  return ports_.loop.call([&]() -> Result<Version> {
    TG_CHECK(check_deed(project, source, deed));
    TG_TRY(const Version version, version_now(project, source, number));
    if (version.state != VersionState::kWaiting)
      return fail(Errc::kConflict,
                  fmt::format("{} does not wait, it is {}", name_of(version), to_string(version.state)));
    TG_CHECK(record("skip", version, deed));
    gate_.drop(version, VersionState::kSkipped, "skipped " + by(deed));
    return version_now(project, source, number);
  });
}

Result<Version> Server::quarantine_data(ProjectId project, const std::string& source, std::int64_t number,
                                        const Deed& deed) {
  return ports_.loop.call([&]() -> Result<Version> {
    TG_CHECK(check_deed(project, source, deed));
    TG_TRY(const Version version, version_now(project, source, number));
    const bool is_tested = version.state == VersionState::kTesting && version.pipeline;
    if (!is_final(version.state) && version.state != VersionState::kWaiting && !is_tested)
      return under_way(version);
    TG_TRY(const auto bad, ports_.store.quarantined_data(project, source, version.identity, version.sha256));
    if (bad) return in_quarantine(name_of(version), *bad);
    TG_CHECK(record("quarantine", version, deed));
    if (version.state == VersionState::kWaiting)
      gate_.drop(version, VersionState::kRejected, "put into quarantine " + by(deed));
    if (is_tested) TG_CHECK(pipelines_.cancel(version.pipeline));
    return version_now(project, source, number);
  });
}

Result<Version> Server::release_data(ProjectId project, const std::string& source, std::int64_t number,
                                     const Deed& deed) {
  return ports_.loop.call([&]() -> Result<Version> {
    TG_CHECK(check_deed(project, source, deed));
    TG_TRY(const Version version, version_now(project, source, number));
    TG_TRY(const auto bad, ports_.store.quarantined_data(project, source, version.identity, version.sha256));
    if (!bad) return fail(Errc::kConflict, name_of(version) + " is not in quarantine");
    TG_CHECK(record("release", version, deed));
    return version;
  });
}

// A page at a time: the state thread goes on with other things in between.
Result<std::vector<std::pair<std::string, KeyRecord>>> Server::baseline_of(ProjectId project,
                                                                           const config::DataSource& source,
                                                                           const Backfill& which) {
  const auto address = dataset::parse_source(source.source).value_or(dataset::SourceAddress{});
  std::vector<std::pair<std::string, KeyRecord>> out;
  std::string after;
  for (;;) {
    TG_TRY(const auto page,
           ports_.loop.call([&] { return ports_.store.baseline_keys(project, source.name, after, kPage); }));
    for (const auto& [key, record] : page) {
      if (which.since && record.state.occurred_at < *which.since) continue;
      if (!key.starts_with(address.prefix)) continue;  // of what the source was once
      const std::string_view rest = std::string_view(key).substr(address.prefix.size());
      if (!which.match.empty() && !dataset::glob_match(which.match, rest)) continue;
      if (!wants(source, key)) continue;
      if (out.size() == kMostBackfilled)
        return fail(Errc::kInvalid, fmt::format("more than {} objects match: narrow them by time or pattern",
                                                kMostBackfilled));
      out.emplace_back(key, record);
    }
    if (std::ssize(page) < kPage) break;
    after = page.back().first;
  }
  std::ranges::sort(out, {},
                    [](const auto& one) { return std::pair(one.second.state.occurred_at, one.first); });
  return out;
}

Result<std::vector<Version>> Server::backfill(ProjectId project, const std::string& name,
                                              const Backfill& which, const Deed& given) {
  const Deed deed = with_reason(given);
  TG_TRY(const config::DataSource source, ports_.loop.call([&]() -> Result<config::DataSource> {
    TG_CHECK(check_deed(project, name, deed));
    TG_TRY(const auto baseline, ports_.store.source_baseline(project, name));
    if (!baseline) return fail(Errc::kConflict, "the first listing of " + name + " is not over yet");
    return *sources_.find(project, name);
  }));
  TG_TRY(const auto keys, baseline_of(project, source, which));
  const auto address = dataset::parse_source(source.source).value_or(dataset::SourceAddress{});
  ObjectStorage& storage = address.is_file ? ports_.directories : ports_.s3;
  std::vector<dataset::ObjectEvent> events;
  for (const auto& [key, known] : keys) {
    const auto info = storage.head(address.bucket, key, "");
    if (!info && info.error().code == Errc::kNotFound) continue;  // gone since
    if (!info) return info.error();
    events.push_back(listed_event(*info, address.is_file));
  }
  return ports_.loop.call([&]() -> Result<std::vector<Version>> {
    std::vector<Version> made;
    TG_CHECK(ports_.store.transaction([&]() -> Status {
      for (const auto& event : events) {
        const std::string identity = dataset::identity(event);
        TG_TRY(const bool seen, ports_.store.event_seen(project, name, identity));
        TG_TRY(const auto bad, ports_.store.quarantined_data(project, name, identity, ""));
        if (seen || bad) continue;
        TG_TRY(made.emplace_back(), sources_.take_in(project, source, event));
        TG_CHECK(record("backfill", made.back(), deed));
      }
      return {};
    }));
    if (!made.empty()) gate_.landed(made.front());
    return made;
  });
}

}  // namespace tidegate::app
