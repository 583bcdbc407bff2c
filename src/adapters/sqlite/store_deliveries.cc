// Releases, graph loads, quarantine; and opening the store.
#include "adapters/sqlite/schema.h"
#include "adapters/sqlite/sqlite_store.h"
#include "adapters/sqlite/store_impl.h"
#include "sys/file.h"

namespace tidegate::sqlite {

Result<DeploymentId> SqliteStore::add_delivery(const app::Delivery& d) {
  TG_CHECK(db_.run(
      "INSERT INTO deliveries(kind, key, project, pipeline, job, target, state, repository, digest, release,"
      " previous, message, created_at, finished_at, by_whom, place)"
      " VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
      {app::to_string(d.kind), d.key, d.project, d.pipeline, d.job, d.target, d.state, d.repository, d.digest,
       d.release, d.previous, d.message, d.created_at, d.finished_at, d.by, d.place}));
  return DeploymentId{db_.last_insert_id()};
}

Status SqliteStore::save_delivery(const app::Delivery& d) {
  return db_.run(
      "UPDATE deliveries SET state=?, repository=?, digest=?, release=?, previous=?, message=?, finished_at=?"
      " WHERE id=?",
      {d.state, d.repository, d.digest, d.release, d.previous, d.message, d.finished_at, d.id});
}

Result<std::vector<app::Delivery>> SqliteStore::read_deliveries(const std::string& where,
                                                                const Values& values) {
  return all<app::Delivery>(
      "SELECT id, kind, key, project, pipeline, job, target, state, repository, digest, release, previous, "
      "message,"
      " created_at, finished_at, by_whom, place FROM deliveries " +
          where,
      values, [](const Row& row) {
        app::Delivery d;
        row.id(0, d.id);
        d.kind = row.text(1) == app::to_string(app::DeliveryKind::kGraph) ? app::DeliveryKind::kGraph
                                                                          : app::DeliveryKind::kRelease;
        d.key = row.text(2);
        row.id(3, d.project);
        row.id(4, d.pipeline);
        row.id(5, d.job);
        d.target = row.text(6);
        d.state = row.text(7);
        d.repository = row.text(8);
        d.digest = row.text(9);
        d.release = row.text(10);
        d.previous = row.text(11);
        d.message = row.text(12);
        d.created_at = row.instant(13);
        d.finished_at = row.optional_instant(14);
        d.by = row.text(15);
        d.place = row.text(16);
        return d;
      });
}

Result<std::optional<app::Delivery>> SqliteStore::delivery_by_key(const std::string& key) {
  return only(read_deliveries("WHERE key=?", {key}));
}
Result<std::vector<app::Delivery>> SqliteStore::deliveries_of(PipelineId pipeline) {
  return read_deliveries("WHERE pipeline=? ORDER BY id", {pipeline});
}
Result<std::vector<app::Delivery>> SqliteStore::open_rollbacks() {
  return read_deliveries("WHERE pipeline=0 AND state='running' ORDER BY id", {});
}
Result<std::vector<app::Delivery>> SqliteStore::deliveries(ProjectId project, const std::string& target,
                                                           std::int64_t limit) {
  return read_deliveries("WHERE project=?1 AND (?2='' OR target=?2) ORDER BY id DESC LIMIT ?3",
                         {project, target, limit});
}

Status SqliteStore::quarantine(ProjectId project, const app::Quarantined& entry) {
  return db_.run("INSERT OR REPLACE INTO quarantine(project, digest, reason, at) VALUES(?,?,?,?)",
                 {project, entry.digest, entry.reason, entry.at});
}
Result<std::vector<app::Quarantined>> SqliteStore::quarantined(ProjectId project) {
  return all<app::Quarantined>(
      "SELECT digest, reason, at FROM quarantine WHERE project=? ORDER BY at", {project},
      [](const Row& row) { return app::Quarantined{row.text(0), row.text(1), row.instant(2)}; });
}

Status SqliteStore::lift_quarantine(ProjectId project, const std::string& digest) {
  TG_CHECK(db_.run("DELETE FROM quarantine WHERE project=? AND digest=?", {project, digest}));
  if (db_.changes() == 0) return fail(Errc::kNotFound, "not quarantined: " + digest);
  return {};
}

Result<std::unique_ptr<app::Store>> open_store(const std::filesystem::path& directory) {
  TG_CHECK(sys::make_directories(directory));
  TG_TRY(auto database, Database::open(directory / "tidegate.db"));
  TG_CHECK(migrate(database));
  TG_TRY(auto vault, Vault::open(directory / "secret.key"));
  return std::unique_ptr<app::Store>(std::make_unique<SqliteStore>(std::move(database), std::move(vault)));
}

}  // namespace tidegate::sqlite
