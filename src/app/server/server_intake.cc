// What object stores and queues tell: events, and what is none.
#include <algorithm>
#include <set>

#include "app/server/server.h"
#include "base/text.h"
#include "dataset/intake.h"

namespace tidegate::app {
namespace {

bool is_below(const config::DataSource& source, const dataset::ObjectEvent& event) {
  const auto address = dataset::parse_source(source.source).value_or(dataset::SourceAddress{});
  return event.bucket == address.bucket && event.key.starts_with(address.prefix);
}

}  // namespace

// A message that does not tell the version (versitygw's of plain uploads) and a listing of the same object
// must have one identity: the store is asked for the version, as long as it still holds what the message
// speaks of.
std::vector<dataset::ObjectEvent> Server::with_versions(std::vector<dataset::ObjectEvent> events) {
  for (dataset::ObjectEvent& event : events) {
    if (!event.version_id.empty()) continue;
    const auto info = ports_.s3.head(event.bucket, event.key, "");
    if (!info || (!event.etag.empty() && info->etag != event.etag)) continue;
    event.version_id = info->version_id;
    event.etag = info->etag;
    event.size = info->size;
  }
  return events;
}

Result<Sources::Accepted> Server::announce(ProjectId project, const std::string& source,
                                           const std::vector<dataset::ObjectEvent>& events) {
  return record(with_versions(events), [&](const dataset::ObjectEvent& event) {
    // Under the bucket's name come the events of all its sources; each takes its own.
    auto found = sources_.named(source);
    std::erase_if(found, [&](const auto& entry) { return project && entry.first != project; });
    const bool any = !found.empty();
    std::erase_if(found, [&](const auto& entry) {
      return source != entry.second.name && !is_below(entry.second, event);
    });
    return any ? Result<decltype(found)>(std::move(found))
               : fail(Errc::kNotFound,
                      "no project has a data source \"" + printable(source) + "\" in its tidegate.yml");
  });
}

Result<Sources::Accepted> Server::announce_by_bucket(ProjectId project,
                                                     const std::vector<dataset::ObjectEvent>& events) {
  return record(with_versions(events), [&](const dataset::ObjectEvent& event) {
    auto found = sources_.reading(event.bucket);
    std::erase_if(found, [&](const auto& entry) { return project && entry.first != project; });
    const bool any = !found.empty();
    std::erase_if(found, [&](const auto& entry) { return !is_below(entry.second, event); });
    return any ? Result<decltype(found)>(std::move(found))
               : fail(Errc::kNotFound,
                      "no data source of the project reads from bucket " + printable(event.bucket));
  });
}

Result<Sources::Accepted> Server::record(const std::vector<dataset::ObjectEvent>& events,
                                         const Route& route) {
  Sources::Accepted all;
  TG_CHECK(announcements_.run([&]() -> Status {
    all = {};
    for (const auto& event : events) {
      const auto routed = route(event);
      // A store gives up on what is not found, and asks again when we cannot tell yet.
      if (!routed && (!started_ || sources_.is_reading())) {
        return fail(Errc::kUnavailable,
                    "the server is just starting and has not read all projects: try again");
      }
      if (!routed) return routed.error();
      for (const auto& [owner, definition] : *routed) {
        TG_TRY(const auto accepted, sources_.record(owner, definition, {event}));
        all.add(accepted);
      }
    }
    return {};
  }));
  if (!all.versions.empty() || !all.sets.empty()) ports_.loop.post([this, all] { sources_.tell(all); });
  return all;
}

Status Server::note(const Contact& contact) {
  return announcements_.run([&]() -> Status {
    std::set<ProjectId> projects;
    if (contact.project) projects.insert(contact.project);
    if (!contact.project) {
      for (const auto& [owner, source] : sources_.named(contact.source)) projects.insert(owner);
    }
    for (const ProjectId project : projects) {
      Contact one = contact;
      one.project = project;
      one.first_at = one.last_at = ports_.clock.now();
      TG_CHECK(ports_.store.add_contact(one));
    }
    return {};
  });
}

Result<std::vector<Contact>> Server::contacts(ProjectId project, const std::string& source) {
  return ports_.loop.call([&] { return ports_.store.contacts(project, source); });
}

}  // namespace tidegate::app
