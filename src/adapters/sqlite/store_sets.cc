// Versions that wait and what they stand for, sets of objects, what people did to data, listings under way.
#include "adapters/sqlite/store_impl.h"

namespace tidegate::sqlite {
namespace {

constexpr std::string_view kUnfinished = "state NOT IN ('baseline','live','rejected','superseded','skipped')";

Value number_or_null(const std::optional<std::uint64_t>& number) {
  return number ? Value(*number) : Value(std::optional<Instant>());
}

app::SetMember read_member(const Row& row) {
  app::SetMember out;
  out.wanted.name = row.text(0);
  out.wanted.key = row.text(1);
  if (!row.is_null(2)) out.wanted.size = static_cast<std::uint64_t>(row.integer(2));
  out.wanted.sha256 = row.text(3);
  out.wanted.etag = row.text(4);
  if (!row.boolean(5)) return out;
  out.found = {row.text(6), row.text(7), static_cast<std::uint64_t>(row.integer(8)), row.text(9),
               row.instant(10)};
  return out;
}

app::DataAction read_action(const Row& row) {
  app::DataAction out;
  out.id = row.integer(0);
  row.id(1, out.project);
  out.source = row.text(2);
  row.id(3, out.version);
  out.number = row.integer(4);
  out.action = row.text(5);
  out.identity = row.text(6);
  out.sha256 = row.text(7);
  out.who = row.text(8);
  out.reason = row.text(9);
  out.at = row.instant(10);
  return out;
}

std::pair<std::string, app::KeyRecord> read_key(const Row& row) {
  return {row.text(0), app::KeyRecord{{row.text(1), row.text(2), row.instant(3)},
                                      row.text(4),
                                      static_cast<std::uint64_t>(row.integer(5))}};
}

// The identity of the object version that was found of a member, as an event of it has.
std::string identity_of(const app::Version& version, const app::SetMember& member) {
  dataset::ObjectEvent event;
  event.bucket = version.bucket;
  event.key = member.wanted.key;
  event.version_id = member.found->version_id;
  event.etag = member.found->etag;
  event.size = member.found->size;
  return dataset::identity(event);
}

}  // namespace

Result<SqliteStore::Keys> SqliteStore::keys_between(ProjectId project, const std::string& source,
                                                    const std::string& first, const std::string& last) {
  return all<Keys::value_type>(
      "SELECT key, identity, sequencer, occurred_at, etag, size FROM keys"
      " WHERE project=? AND source=? AND key>=? AND key<=? ORDER BY key",
      {project, source, first, last}, read_key);
}

Result<SqliteStore::Keys> SqliteStore::baseline_keys(ProjectId project, const std::string& source,
                                                     const std::string& after, std::int64_t limit) {
  return all<Keys::value_type>(
      "SELECT key, identity, sequencer, occurred_at, etag, size FROM keys k"
      " WHERE project=?1 AND source=?2 AND key>?3 AND NOT EXISTS"
      " (SELECT 1 FROM events e WHERE e.project=?1 AND e.source=?2 AND e.identity=k.identity)"
      " ORDER BY key LIMIT ?4",
      {project, source, after, limit}, read_key);
}

Result<std::optional<app::ListingRecord>> SqliteStore::listing(ProjectId project, const std::string& source) {
  return first<app::ListingRecord>(
      "SELECT baseline, started_at, after, objects FROM listings WHERE project=? AND source=?",
      {project, source}, [](const Row& row) {
        return app::ListingRecord{row.boolean(0), row.instant(1), row.text(2), row.integer(3)};
      });
}
Status SqliteStore::save_listing(ProjectId project, const std::string& source,
                                 const app::ListingRecord& listing) {
  return db_.run(
      "INSERT OR REPLACE INTO listings(project, source, baseline, started_at, after, objects)"
      " VALUES(?,?,?,?,?,?)",
      {project, source, listing.baseline, listing.started_at, listing.after, listing.objects});
}
Status SqliteStore::end_listing(ProjectId project, const std::string& source) {
  return db_.run("DELETE FROM listings WHERE project=? AND source=?", {project, source});
}

Result<std::optional<app::Version>> SqliteStore::version_numbered(ProjectId project,
                                                                  const std::string& source,
                                                                  std::int64_t number) {
  return only(read_versions("WHERE project=? AND source=? AND number=?", {project, source, number}));
}
Result<std::vector<app::Version>> SqliteStore::waiting_versions(ProjectId project, const std::string& source,
                                                                std::int64_t limit) {
  return read_versions("WHERE project=? AND source=? AND state='waiting' ORDER BY id LIMIT ?",
                       {project, source, limit});
}
Result<std::optional<app::Version>> SqliteStore::version_under_way(ProjectId project,
                                                                   const std::string& source) {
  static const std::string kWhere = "WHERE " + std::string(kUnfinished) +
                                    " AND state<>'waiting' AND project=? AND source=? ORDER BY id LIMIT 1";
  return only(read_versions(kWhere, {project, source}));
}
Result<std::optional<app::Version>> SqliteStore::live_version(ProjectId project, const std::string& source) {
  return only(read_versions(
      "WHERE project=? AND source=? AND state='live' ORDER BY finished_at DESC, id DESC LIMIT 1",
      {project, source}));
}
Result<std::vector<app::Version>> SqliteStore::live_versions(ProjectId project) {
  return read_versions(
      "AS v WHERE project=?1 AND state='live' AND id=(SELECT id FROM versions AS w WHERE w.project=?1 AND"
      " w.source=v.source AND w.state='live' ORDER BY finished_at DESC, id DESC LIMIT 1) ORDER BY source",
      {project});
}
Status SqliteStore::merge_version(VersionId from, VersionId into) {
  TG_CHECK(db_.run("UPDATE versions SET became=? WHERE became<>0 AND became=?", {into, from}));
  return db_.run("UPDATE versions SET became=? WHERE id=?", {into, from});
}
Result<std::int64_t> SqliteStore::count_events(VersionId version) {
  std::int64_t count = 0;
  TG_CHECK(
      db_.query("SELECT COUNT(*) FROM events WHERE verdict<>'member' AND version<>0 AND version IN (SELECT "
                "?1 UNION ALL SELECT id FROM"
                " versions WHERE became=?1 AND became<>0)",
                {version}, [&](const Row& row) { count = row.integer(0); }));
  return count;
}

Result<std::vector<app::SetMember>> SqliteStore::members(VersionId version) {
  return all<app::SetMember>(
      "SELECT name, key, wanted_size, wanted_sha256, wanted_etag, found, version_id, etag, size, sha256,"
      " modified_at FROM members WHERE version=? ORDER BY name",
      {version}, read_member);
}
Status SqliteStore::set_members(const app::Version& version, const std::vector<app::SetMember>& members) {
  return transaction([&]() -> Status {
    TG_CHECK(db_.run("DELETE FROM members WHERE version=?", {version.id}));
    for (const app::SetMember& member : members) {
      const dataset::Found found = member.found.value_or(dataset::Found{});
      TG_CHECK(
          db_.run("INSERT INTO members(version, name, key, wanted_size, wanted_sha256, wanted_etag, found, "
                  "version_id,"
                  " etag, size, sha256, modified_at) VALUES(?,?,?,?,?,?,?,?,?,?,?,?)",
                  {version.id, member.wanted.name, member.wanted.key, number_or_null(member.wanted.size),
                   member.wanted.sha256, member.wanted.etag, member.found.has_value(), found.version_id,
                   found.etag, found.size, found.sha256, found.modified_at}));
      if (!member.found) continue;
      TG_CHECK(
          db_.run("UPDATE events SET version=? WHERE project=? AND source=? AND identity=? AND version=0"
                  " AND verdict='member'",
                  {version.id, version.project, version.source, identity_of(version, member)}));
    }
    return {};
  });
}

Status SqliteStore::add_data_action(const app::DataAction& a) {
  return db_.run(
      "INSERT INTO data_actions(project, source, version, number, action, identity, sha256, who, reason, at)"
      " VALUES(?,?,?,?,?,?,?,?,?,?)",
      {a.project, a.source, a.version, a.number, a.action, a.identity, a.sha256, a.who, a.reason, a.at});
}
Result<std::vector<app::DataAction>> SqliteStore::read_actions(const std::string& where,
                                                               const Values& values) {
  return all<app::DataAction>(
      "SELECT id, project, source, version, number, action, identity, sha256, who, reason, at FROM"
      " data_actions " +
          where,
      values, read_action);
}
Result<std::vector<app::DataAction>> SqliteStore::data_actions(ProjectId project, const std::string& source,
                                                               std::int64_t limit) {
  return read_actions("WHERE project=?1 AND (?2='' OR source=?2) ORDER BY id DESC LIMIT ?3",
                      {project, source, limit});
}
Result<std::optional<app::DataAction>> SqliteStore::pin(ProjectId project, const std::string& source) {
  TG_TRY(auto last, only(read_actions("WHERE project=? AND source=? AND action IN ('pin','unpin')"
                                      " ORDER BY id DESC LIMIT 1",
                                      {project, source})));
  if (last && last->action != "pin") last.reset();
  return last;
}
Result<std::optional<app::DataAction>> SqliteStore::quarantined_data(ProjectId project,
                                                                     const std::string& source,
                                                                     const std::string& identity,
                                                                     const std::string& sha256) {
  TG_TRY(auto last, only(read_actions("WHERE project=?1 AND source=?2 AND action IN ('quarantine','release')"
                                      " AND (identity=?3 OR (?4<>'' AND sha256=?4)) ORDER BY id DESC LIMIT 1",
                                      {project, source, identity, sha256})));
  if (last && last->action != "quarantine") last.reset();
  return last;
}

}  // namespace tidegate::sqlite
