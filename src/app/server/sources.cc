#include "app/server/sources.h"

#include <algorithm>

#include <fmt/core.h>

#include "base/log.h"
#include "dataset/intake.h"

namespace tidegate::app {
namespace {

// Blocking.
Result<config::ProjectFile> read_project_file(const ServerPorts& ports, const Project& project) {
  TG_TRY(const auto repository, ports.repository(project));
  TG_TRY(const auto head, repository->resolve("refs/heads/" + project.default_branch));
  TG_TRY(const auto text, repository->read_file(head, "tidegate.yml"));
  if (!text) return config::ProjectFile{};
  auto loaded = config::load_project_file(*text);
  for (const auto& d : loaded.diagnostics) {
    log::warn("project", "{}: {}:{}: {}", project.path, d.place.file, d.place.line, d.message);
  }
  return std::move(loaded.file);
}

dataset::SourceFilter filter_of(const config::DataSource& source) {
  const auto address = dataset::parse_source(source.source).value_or(dataset::SourceAddress{});
  return {address.bucket, address.prefix, source.include, source.manifest, source.marker};
}

// A store whose clock runs years ahead must not make everything that comes after it look old.
constexpr std::chrono::hours kClockAhead{1};

Instant believable(Instant occurred_at, Instant now) {
  return occurred_at > now + kClockAhead ? now : occurred_at;
}

// A listing tells no versions, so the baseline's objects are on record by etag and size. An event that comes
// late and names such an object's version is no news either.
bool is_known_listing(const dataset::ObjectEvent& event, const KeyRecord& known) {
  if (event.version_id.empty() || event.etag != known.etag || (event.size && *event.size != known.size))
    return false;
  dataset::ObjectEvent listed = event;
  listed.version_id.clear();
  listed.size = known.size;
  return dataset::identity(listed) == known.state.identity;
}

// What a set is bound by: its manifest, or the marker's folder.
std::string key_of(const config::DataSource& source, const dataset::ObjectEvent& event) {
  return source.marker.empty() ? event.key : dataset::folder_of(event.key);
}

}  // namespace

bool wants(const config::DataSource& source, const std::string& key) {
  const dataset::SourceFilter filter = filter_of(source);
  dataset::ObjectEvent event;
  event.bucket = filter.bucket;
  event.key = key;
  return dataset::decide(filter, event, std::nullopt, false).verdict == dataset::Verdict::kNew;
}

Sources::Sources(ServerPorts& ports)
    : ports_(ports),
      listings_(
          ports,
          [this](ProjectId project, const config::DataSource& source,
                 const std::vector<dataset::ObjectEvent>& events) -> Status {
            TG_CHECK(accept(project, source, events));
            return {};
          },
          [this](ProjectId project, const config::DataSource& source, Millis took) {
            schedule_reconcile(project, source, took);
          }) {}

void Sources::refresh(const Project& project) {
  if (!files_.contains(project.id)) unread_.insert(project.id);
  in_background(
      ports_.workers, ports_.loop, [this, project] { return read_project_file(ports_, project); },
      [this, project](Result<config::ProjectFile> file) { take_file(project, std::move(file)); });
}

void Sources::take_file(const Project& project, Result<config::ProjectFile> file) {
  unread_.erase(project.id);
  read_.insert(project.id);
  if (!file) {
    // No such branch yet: a project before its first push.
    if (file.error().code != Errc::kNotFound)
      log::warn("project", "{}: {}", project.path, file.error().message);
    return;
  }
  files_[project.id] = std::move(*file);
  for (const config::DataSource& source : files_[project.id].data) {
    if (scheduled_.contains({project.id, source.name})) continue;
    scheduled_.emplace(project.id, source.name);
    reconcile(project.id, source.name);
  }
}

std::vector<std::pair<ProjectId, config::DataSource>> Sources::named(const std::string& name) const {
  std::vector<std::pair<ProjectId, config::DataSource>> out;
  for (const auto& [project, file] : files_) {
    for (const auto& source : file.data) {
      const auto address = dataset::parse_source(source.source);
      const bool by_bucket = address && !address->is_file && address->bucket == name;
      if (source.name == name || by_bucket) out.emplace_back(project, source);
    }
  }
  return out;
}

std::vector<std::pair<ProjectId, config::DataSource>> Sources::reading(const std::string& bucket) const {
  auto out = named(bucket);
  std::erase_if(out, [&](const auto& entry) {
    const auto address = dataset::parse_source(entry.second.source);
    return !address || address->is_file || address->bucket != bucket;
  });
  return out;
}

std::optional<config::DataSource> Sources::find(ProjectId project, const std::string& name) const {
  const config::ProjectFile* known = file(project);
  if (known == nullptr) return std::nullopt;
  const auto found = std::ranges::find(known->data, name, &config::DataSource::name);
  return found == known->data.end() ? std::nullopt : std::optional(*found);
}

const config::ProjectFile* Sources::file(ProjectId project) const {
  const auto found = files_.find(project);
  return found == files_.end() ? nullptr : &found->second;
}

void Sources::Accepted::add(const Accepted& other) {
  fresh += other.fresh;
  duplicate += other.duplicate;
  superseded += other.superseded;
  filtered += other.filtered;
  members += other.members;
  sets.insert(other.sets.begin(), other.sets.end());
  versions.insert(versions.end(), other.versions.begin(), other.versions.end());
}

Result<Sources::Accepted> Sources::record(ProjectId project, const config::DataSource& source,
                                          const std::vector<dataset::ObjectEvent>& events) {
  Accepted accepted;
  for (const auto& event : events) TG_CHECK(accept_one(project, source, event, accepted));
  if (accepted.members > 0) accepted.sets.emplace(project, source.name);
  return accepted;
}

// Not at once: what else has been recorded in the meantime is passed on with it.
void Sources::tell(const Accepted& accepted) {
  const auto& versions = accepted.versions;
  if (untold_.empty() && !versions.empty()) ports_.loop.post([this] { tell_now(); });
  untold_.insert(untold_.end(), versions.begin(), versions.end());
  if (!on_member_) return;
  for (const auto& [project, source] : accepted.sets) on_member_(project, source);
}

void Sources::tell_now() {
  std::map<Key, Version> newest;
  for (const VersionId id : std::exchange(untold_, {})) {
    auto version = ports_.store.version(id);
    if (version && *version) newest.insert_or_assign({(*version)->project, (*version)->source}, **version);
  }
  if (!on_version_) return;
  for (const auto& [key, version] : newest) on_version_(version);
}

Status Sources::accept(ProjectId project, const config::DataSource& source,
                       const std::vector<dataset::ObjectEvent>& events) {
  Accepted accepted;
  TG_CHECK(ports_.store.transaction([&]() -> Status {
    TG_TRY(accepted, record(project, source, events));
    return {};
  }));
  tell(accepted);
  return {};
}

Status Sources::accept_one(ProjectId project, const config::DataSource& source,
                           const dataset::ObjectEvent& told, Accepted& accepted) {
  dataset::ObjectEvent event = told;
  // A clock that is ahead must not make everything that follows look old.
  event.occurred_at = std::min(event.occurred_at, ports_.clock.now());
  const std::string identity = dataset::identity(event);
  TG_TRY(const auto known, ports_.store.key(project, source.name, event.key));
  TG_TRY(bool seen, ports_.store.event_seen(project, source.name, identity));
  // Some stores do not tell the version in one of their messages: what has the newest bytes' etag and size is
  // no news.
  if (known && event.version_id.empty() && !event.etag.empty() && known->etag == event.etag &&
      known->size == event.size) {
    seen = true;
  }
  if (known && is_known_listing(event, *known)) seen = true;
  const bool is_listed =
      event.origin == dataset::Origin::kListing || event.origin == dataset::Origin::kDirectory;
  if (seen && is_listed) {  // every listing tells it again; once is enough on record
    ++accepted.duplicate;
    return {};
  }
  auto decision =
      dataset::decide(filter_of(source), event, known ? std::optional(known->state) : std::nullopt, seen);
  TG_TRY(const auto bad, ports_.store.quarantined_data(project, source.name, identity, ""));
  EventRecord record;
  record.project = project;
  record.source = source.name;
  record.event = event;
  record.identity = identity;
  record.verdict = dataset::to_string(decision.verdict);
  record.reason = decision.reason;
  const bool is_bad = bad && decision.verdict == dataset::Verdict::kNew;
  if (is_bad) {
    record.verdict = "quarantined";
    record.reason =
        fmt::format("in quarantine since {}, by {}: {}", format_iso8601(bad->at), bad->who, bad->reason);
  }
  record.received_at = ports_.clock.now();
  TG_TRY(const std::int64_t id, ports_.store.add_event(record));
  if (decision.state) {
    KeyRecord fresh{*decision.state, event.etag, event.size.value_or(0)};
    fresh.state.occurred_at = believable(fresh.state.occurred_at, record.received_at);
    TG_CHECK(ports_.store.set_key(project, source.name, event.key, fresh));
  }
  if (is_bad) {
    ++accepted.filtered;
    return {};
  }
  switch (decision.verdict) {
    case dataset::Verdict::kMember:
      ++accepted.members;
      return {};
    case dataset::Verdict::kNew:
      ++accepted.fresh;
      return new_version(project, source, event, id, accepted);
    case dataset::Verdict::kDuplicate:
      ++accepted.duplicate;
      return {};
    case dataset::Verdict::kSuperseded:
      ++accepted.superseded;
      return {};
    case dataset::Verdict::kFiltered:
    case dataset::Verdict::kIgnored:
      ++accepted.filtered;
      return {};
  }
  return {};
}

Status Sources::new_version(ProjectId project, const config::DataSource& source,
                            const dataset::ObjectEvent& event, std::int64_t event_id, Accepted& accepted) {
  TG_TRY(const Version version, add_version(project, source, event, false));
  TG_CHECK(ports_.store.set_event_version(event_id, version.id));
  accepted.versions.push_back(version.id);
  log::info("data", "{} v{}: {} landed", source.name, version.number, version.uri);
  return {};
}

Result<Version> Sources::add_version(ProjectId project, const config::DataSource& source,
                                     const dataset::ObjectEvent& event, bool by_hand) {
  const auto address = dataset::parse_source(source.source).value_or(dataset::SourceAddress{});
  TG_TRY(const auto owner, ports_.store.project(project));
  Version version;
  version.project = project;
  version.source = source.name;
  version.identity = dataset::identity(event);
  version.bucket = event.bucket;
  version.key = key_of(source, event);
  version.object_version = event.version_id;
  version.etag = event.etag;
  version.size = event.size.value_or(0);
  version.uri = dataset::bound_uri(event.bucket, version.key, event.version_id, address.is_file);
  version.branch = !source.branch.empty() ? source.branch : owner ? owner->default_branch : "main";
  version.created_at = ports_.clock.now();
  version.due_at = by_hand ? version.created_at : version.created_at + source.quiet;
  version.is_set = !source.manifest.empty() || !source.marker.empty();
  version.by_hand = by_hand;
  version.reason = by_hand          ? "asked for by hand"
                   : version.is_set ? "looking which objects of the set are there"
                                    : fmt::format("waiting until nothing has landed for {}",
                                                  format_duration(source.quiet));
  return ports_.store.add_version(std::move(version));
}

Result<Version> Sources::take_in(ProjectId project, const config::DataSource& source,
                                 const dataset::ObjectEvent& event) {
  const auto decision = dataset::decide(filter_of(source), event, std::nullopt, false);
  if (decision.verdict != dataset::Verdict::kNew) return fail(Errc::kInvalid, decision.reason);
  TG_TRY(const Version version, add_version(project, source, event, true));
  EventRecord record;
  record.project = project;
  record.source = source.name;
  record.event = event;
  record.event.origin = dataset::Origin::kManual;
  record.identity = version.identity;
  record.verdict = "backfilled";
  record.reason = "an object of the baseline, asked for by hand";
  record.version = version.id;
  record.received_at = version.created_at;
  TG_CHECK(ports_.store.add_event(record));
  TG_CHECK(ports_.store.set_key(project, source.name, event.key,
                                {*decision.state, event.etag, event.size.value_or(0)}));
  return version;
}

void Sources::reconcile(ProjectId project, const std::string& name) {
  if (const auto source = find(project, name)) return listings_.begin(project, *source);
  scheduled_.erase({project, name});
}

// A bucket that takes long to list is listed less often: a tenth of the time, at most.
void Sources::schedule_reconcile(ProjectId project, const config::DataSource& source, Millis took) {
  const bool is_file = source.source.starts_with("file://");
  const Millis usual = is_file ? ports_.settings.directory_poll : ports_.settings.reconcile_every;
  ports_.loop.post_after(std::max(usual, 9 * took),
                         [this, project, name = source.name] { reconcile(project, name); });
}

}  // namespace tidegate::app
