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
  return {address.bucket, address.prefix, source.include};
}

dataset::ObjectEvent event_of(const ObjectInfo& info, bool is_file) {
  dataset::ObjectEvent event;
  event.provider = is_file ? "file" : "listing";
  event.bucket = info.bucket;
  event.key = info.key;
  event.version_id = info.version_id;
  event.etag = info.etag;
  event.size = info.size;
  event.occurred_at = info.modified_at;
  event.origin = is_file ? dataset::Origin::kDirectory : dataset::Origin::kListing;
  return event;
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

}  // namespace

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

Result<Sources::Accepted> Sources::accept(ProjectId project, const config::DataSource& source,
                                          const std::vector<dataset::ObjectEvent>& events) {
  Accepted accepted;
  TG_CHECK(ports_.store.transaction([&]() -> Status {
    for (const auto& event : events) TG_CHECK(accept_one(project, source, event, accepted));
    return {};
  }));
  for (const VersionId id : accepted.versions) {
    if (auto version = ports_.store.version(id); version && *version && on_version_) on_version_(**version);
  }
  return accepted;
}

Status Sources::accept_one(ProjectId project, const config::DataSource& source,
                           const dataset::ObjectEvent& event, Accepted& accepted) {
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
  const auto decision =
      dataset::decide(filter_of(source), event, known ? std::optional(known->state) : std::nullopt, seen);
  EventRecord record;
  record.project = project;
  record.source = source.name;
  record.event = event;
  record.identity = identity;
  record.verdict = dataset::to_string(decision.verdict);
  record.reason = decision.reason;
  record.received_at = ports_.clock.now();
  TG_TRY(const std::int64_t id, ports_.store.add_event(record));
  if (decision.state) {
    const KeyRecord fresh{*decision.state, event.etag, event.size.value_or(0)};
    TG_CHECK(ports_.store.set_key(project, source.name, event.key, fresh));
  }
  switch (decision.verdict) {
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
  const auto address = dataset::parse_source(source.source).value_or(dataset::SourceAddress{});
  TG_TRY(const auto owner, ports_.store.project(project));
  Version version;
  version.project = project;
  version.source = source.name;
  version.identity = dataset::identity(event);
  version.bucket = event.bucket;
  version.key = event.key;
  version.object_version = event.version_id;
  version.etag = event.etag;
  version.size = event.size.value_or(0);
  version.uri = dataset::bound_uri(event.bucket, event.key, event.version_id, address.is_file);
  version.branch = !source.branch.empty() ? source.branch : owner ? owner->default_branch : "main";
  version.created_at = ports_.clock.now();
  version.due_at = version.created_at + source.quiet;
  version.reason = fmt::format("waiting until nothing has landed for {}", format_duration(source.quiet));
  TG_TRY(version, ports_.store.add_version(version));
  TG_CHECK(ports_.store.set_event_version(event_id, version.id));
  accepted.versions.push_back(version.id);
  log::info("data", "{} v{}: {} landed", source.name, version.number, version.uri);
  return {};
}

void Sources::reconcile(ProjectId project, const std::string& name) {
  const auto source = find(project, name);
  if (!source) {
    scheduled_.erase({project, name});
    return;
  }
  if (!listing_.emplace(project, name).second) return;
  const auto address = dataset::parse_source(source->source);
  const auto baseline = ports_.store.source_baseline(project, name);
  if (!address || !baseline) {
    listing_.erase({project, name});
    return;
  }
  const bool first = !baseline->has_value();
  in_background(
      ports_.workers, ports_.loop,
      [this, address = *address]() -> Result<Listed> {
        ObjectStorage& storage = address.is_file ? ports_.directories : ports_.s3;
        Listed out;
        TG_CHECK(storage.list(
            address.bucket, address.prefix,
            [&](const ObjectInfo& info) {
              out.objects.push_back(info);
              return true;
            },
            &ports_.stop));
        return out;
      },
      [this, project, source = *source, first](Result<Listed> result) {
        listed(project, source, first, std::move(result));
      });
}

void Sources::listed(ProjectId project, const config::DataSource& source, bool baseline,
                     Result<Listed> result) {
  listing_.erase({project, source.name});
  if (!result) {
    log::warn("data", "{}: listing failed: {}; trying again later", source.name, result.error().message);
  } else if (Status status = accept_listed(project, source, baseline, *result); !status) {
    log::error("data", "{}: {}", source.name, status.error().message);
  }
  schedule_reconcile(project, source);
}

Status Sources::accept_listed(ProjectId project, const config::DataSource& source, bool baseline,
                              const Listed& listed) {
  const auto address = dataset::parse_source(source.source).value_or(dataset::SourceAddress{});
  std::vector<ObjectInfo> unknown;
  TG_CHECK(ports_.store.transaction([&]() -> Status {
    for (const ObjectInfo& info : listed.objects) {
      TG_TRY(const auto known, ports_.store.key(project, source.name, info.key));
      if (known && known->etag == info.etag && known->size == info.size) continue;
      if (!baseline) {
        unknown.push_back(info);
        continue;
      }
      const auto event = event_of(info, address.is_file);
      const KeyRecord record{{dataset::identity(event), "", event.occurred_at}, info.etag, info.size};
      if (!known) TG_CHECK(ports_.store.set_key(project, source.name, info.key, record));
    }
    if (baseline) TG_CHECK(ports_.store.set_source_baseline(project, source.name, ports_.clock.now()));
    return {};
  }));
  if (baseline) {
    log::info("data", "{}: baseline of {} objects at {}", source.name, listed.objects.size(), source.source);
  }
  if (!unknown.empty()) announce(project, source, std::move(unknown));
  return {};
}

// A listing does not tell version ids, and an event of the same object may still come: both must have one
// identity, so the version is asked for first.
void Sources::announce(ProjectId project, const config::DataSource& source, std::vector<ObjectInfo> unknown) {
  log::info("data", "{}: the listing shows {} objects that no event told of", source.name, unknown.size());
  const bool is_file = source.source.starts_with("file://");
  in_background(
      ports_.workers, ports_.loop,
      [this, is_file, unknown = std::move(unknown)] {
        std::vector<dataset::ObjectEvent> events;
        for (const ObjectInfo& info : unknown) {
          ObjectStorage& storage = is_file ? ports_.directories : ports_.s3;
          // Gone or replaced since: the next listing tells.
          if (const auto exact = storage.head(info.bucket, info.key, ""))
            events.push_back(event_of(*exact, is_file));
        }
        return events;
      },
      [this, project, source](const std::vector<dataset::ObjectEvent>& events) {
        if (auto accepted = accept(project, source, events); !accepted) {
          log::error("data", "{}: {}", source.name, accepted.error().message);
        }
      });
}

void Sources::schedule_reconcile(ProjectId project, const config::DataSource& source) {
  const bool is_file = source.source.starts_with("file://");
  const Seconds delay = is_file ? ports_.settings.directory_poll : ports_.settings.reconcile_every;
  ports_.loop.post_after(delay, [this, project, name = source.name] { reconcile(project, name); });
}

}  // namespace tidegate::app
