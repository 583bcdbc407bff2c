// Sources, events, keys, dataset versions.
#include "adapters/sqlite/store_impl.h"

namespace tidegate::sqlite {
namespace {

dataset::Origin parse_origin(const std::string& text) {
  using dataset::Origin;
  for (const Origin origin :
       {Origin::kHook, Origin::kListing, Origin::kDirectory, Origin::kManual, Origin::kQueue}) {
    if (dataset::to_string(origin) == text) return origin;
  }
  return Origin::kManual;
}

app::EventRecord read_event(const Row& row) {
  app::EventRecord out;
  out.id = row.integer(0);
  row.id(1, out.project);
  out.source = row.text(2);
  out.identity = row.text(3);
  out.event.provider = row.text(4);
  out.event.bucket = row.text(5);
  out.event.key = row.text(6);
  out.event.version_id = row.text(7);
  out.event.etag = row.text(8);
  if (!row.is_null(9)) out.event.size = static_cast<std::uint64_t>(row.integer(9));
  out.event.sequencer = row.text(10);
  out.event.occurred_at = row.instant(11);
  out.event.origin = parse_origin(row.text(12));
  out.verdict = row.text(13);
  out.reason = row.text(14);
  row.id(15, out.version);
  out.received_at = row.instant(16);
  out.number = row.integer(17);
  return out;
}

constexpr std::string_view kSelectEvents =
    "SELECT e.id, e.project, e.source, e.identity, e.provider, e.bucket, e.key, e.version_id, e.etag, "
    "e.size, e.sequencer, e.occurred_at, e.origin, e.verdict, e.reason, e.version, e.received_at,"
    " COALESCE(b.number, v.number, 0) FROM events e LEFT JOIN versions v ON v.id=e.version"
    " LEFT JOIN versions b ON b.id=v.became ";

app::Version read_version(const Row& row) {
  app::Version v;
  row.id(0, v.id);
  row.id(1, v.project);
  v.source = row.text(2);
  v.number = row.integer(3);
  v.identity = row.text(4);
  v.bucket = row.text(5);
  v.key = row.text(6);
  v.object_version = row.text(7);
  v.etag = row.text(8);
  v.size = static_cast<std::uint64_t>(row.integer(9));
  v.sha256 = row.text(10);
  v.uri = row.text(11);
  v.state = app::parse_version_state(row.text(12)).value_or(app::VersionState::kRejected);
  v.reason = row.text(13);
  v.branch = row.text(14);
  v.base_sha = row.text(15);
  v.candidate_sha = row.text(16);
  row.id(17, v.pipeline);
  v.attempt = static_cast<int>(row.integer(18));
  v.created_at = row.instant(19);
  v.due_at = row.instant(20);
  v.finished_at = row.optional_instant(21);
  v.is_set = row.boolean(22);
  v.by_hand = row.boolean(23);
  v.because = row.text(24);
  row.id(25, v.became);
  return v;
}

}  // namespace

Result<std::optional<Instant>> SqliteStore::source_baseline(ProjectId project, const std::string& source) {
  return first<Instant>("SELECT baseline_at FROM sources WHERE project=? AND source=?", {project, source},
                        [](const Row& row) { return row.instant(0); });
}
Status SqliteStore::set_source_baseline(ProjectId project, const std::string& source, Instant when) {
  return db_.run("INSERT OR REPLACE INTO sources(project, source, baseline_at) VALUES(?,?,?)",
                 {project, source, when});
}

Result<std::int64_t> SqliteStore::add_event(const app::EventRecord& e) {
  const Value size = e.event.size ? Value(*e.event.size) : Value(std::optional<Instant>());
  TG_CHECK(db_.run(
      "INSERT INTO events(project, source, identity, provider, bucket, key, version_id, etag, size, "
      "sequencer,"
      " occurred_at, origin, verdict, reason, version, received_at) VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
      {e.project, e.source, e.identity, e.event.provider, e.event.bucket, e.event.key, e.event.version_id,
       e.event.etag, size, e.event.sequencer, e.event.occurred_at, dataset::to_string(e.event.origin),
       e.verdict, e.reason, e.version, e.received_at}));
  return db_.last_insert_id();
}
Status SqliteStore::set_event_version(std::int64_t event, VersionId version) {
  return db_.run("UPDATE events SET version=? WHERE id=?", {version, event});
}
Result<std::vector<app::EventRecord>> SqliteStore::events(ProjectId project, const std::string& source,
                                                          VersionId version, std::int64_t limit) {
  if (version) {
    return all<app::EventRecord>(
        std::string(kSelectEvents) +
            "WHERE e.version<>0 AND e.version IN (SELECT ?1 UNION ALL SELECT id FROM "
            "versions WHERE became=?1 AND became<>0) ORDER BY e.id DESC LIMIT ?2",
        {version, limit}, read_event);
  }
  return all<app::EventRecord>(
      std::string(kSelectEvents) +
          "WHERE e.project=?1 AND (?2='' OR e.source=?2) ORDER BY e.id DESC LIMIT ?3",
      {project, source, limit}, read_event);
}
Result<std::optional<app::EventRecord>> SqliteStore::event_of(VersionId version) {
  return only(all<app::EventRecord>(
      std::string(kSelectEvents) +
          "WHERE e.version<>0 AND e.version=? AND e.verdict<>'member' ORDER BY e.id LIMIT 1",
      {version}, read_event));
}
Result<bool> SqliteStore::event_seen(ProjectId project, const std::string& source,
                                     const std::string& identity) {
  TG_TRY(
      const auto found,
      first<bool>("SELECT 1 FROM events WHERE project=? AND source=? AND identity=? AND version<>0 LIMIT 1",
                  {project, source, identity}, [](const Row&) { return true; }));
  return found.has_value();
}

Result<std::optional<app::KeyRecord>> SqliteStore::key(ProjectId project, const std::string& source,
                                                       const std::string& key) {
  return first<app::KeyRecord>(
      "SELECT identity, sequencer, occurred_at, sequencer_by, etag, size FROM keys"
      " WHERE project=? AND source=? AND key=?",
      {project, source, key}, [](const Row& row) {
        return app::KeyRecord{{row.text(0), row.text(1), row.instant(2), row.text(3)},
                              row.text(4),
                              static_cast<std::uint64_t>(row.integer(5))};
      });
}
Status SqliteStore::set_key(ProjectId project, const std::string& source, const std::string& key,
                            const app::KeyRecord& record) {
  return db_.run(
      "INSERT OR REPLACE INTO keys(project, source, key, identity, sequencer, sequencer_by, occurred_at, "
      "etag, size)"
      " VALUES(?,?,?,?,?,?,?,?,?)",
      {project, source, key, record.state.identity, record.state.sequencer, record.state.sequencer_by,
       record.state.occurred_at, record.etag, record.size});
}

Result<app::Version> SqliteStore::add_version(app::Version v) {
  TG_CHECK(db_.query("SELECT COALESCE(MAX(number),0)+1 FROM versions WHERE project=? AND source=?",
                     {v.project, v.source}, [&](const Row& row) { v.number = row.integer(0); }));
  TG_CHECK(db_.run(
      "INSERT INTO versions(project, source, number, identity, bucket, key, object_version, etag, "
      "size, sha256,"
      " uri, state, reason, branch, base_sha, candidate_sha, pipeline, attempt, created_at, due_at, "
      "finished_at, is_set, by_hand, because, became)"
      " VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
      {v.project,        v.source, v.number,      v.identity,      v.bucket,   v.key,
       v.object_version, v.etag,   v.size,        v.sha256,        v.uri,      dataset::to_string(v.state),
       v.reason,         v.branch, v.base_sha,    v.candidate_sha, v.pipeline, v.attempt,
       v.created_at,     v.due_at, v.finished_at, v.is_set,        v.by_hand,  v.because,
       v.became}));
  v.id = VersionId{db_.last_insert_id()};
  return v;
}
Status SqliteStore::save_version(const app::Version& v) {
  return db_.run(
      "UPDATE versions SET sha256=?, uri=?, state=?, reason=?, branch=?, base_sha=?, candidate_sha=?, "
      "pipeline=?,"
      " attempt=?, due_at=?, finished_at=?, object_version=?, etag=?, size=?, because=? WHERE id=?",
      {v.sha256, v.uri, dataset::to_string(v.state), v.reason, v.branch, v.base_sha, v.candidate_sha,
       v.pipeline, v.attempt, v.due_at, v.finished_at, v.object_version, v.etag, v.size, v.because, v.id});
}
Result<std::vector<app::Version>> SqliteStore::read_versions(const std::string& where, const Values& values) {
  return all<app::Version>(
      "SELECT id, project, source, number, identity, bucket, key, object_version, etag, size, sha256, uri, "
      "state, reason,"
      " branch, base_sha, candidate_sha, pipeline, attempt, created_at, due_at, finished_at, is_set, "
      "by_hand, "
      "because, became FROM versions " +
          where,
      values, read_version);
}
Result<std::optional<app::Version>> SqliteStore::version(VersionId id) {
  return only(read_versions("WHERE id=?", {id}));
}
Result<std::vector<app::Version>> SqliteStore::versions(ProjectId project, const std::string& source,
                                                        std::int64_t limit) {
  return read_versions("WHERE project=?1 AND (?2='' OR source=?2) ORDER BY id DESC LIMIT ?3",
                       {project, source, limit});
}
Result<std::vector<app::Version>> SqliteStore::unfinished_versions() {
  return read_versions("WHERE state NOT IN ('baseline','live','rejected','superseded','skipped') ORDER BY id",
                       {});
}
Result<std::optional<app::Version>> SqliteStore::version_of_object(ProjectId project,
                                                                   const std::string& source,
                                                                   const std::string& key,
                                                                   const std::string& object_version) {
  return only(read_versions(
      "WHERE project=?1 AND source=?2 AND key=?3 AND (?4='' OR object_version=?4) ORDER BY id DESC LIMIT 1",
      {project, source, key, object_version}));
}
Result<std::optional<app::Version>> SqliteStore::version_of_candidate(ProjectId project,
                                                                      const std::string& sha) {
  // A candidate whose data is in a variable is the branch's head itself, no commit of ours.
  return only(read_versions(
      "WHERE project=? AND candidate_sha=? AND candidate_sha<>base_sha ORDER BY id DESC LIMIT 1",
      {project, sha}));
}

}  // namespace tidegate::sqlite
