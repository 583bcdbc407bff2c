// Environments, deployments, releases, and artifacts whose time is over.
#include "adapters/sqlite/options_json.h"
#include "adapters/sqlite/store_impl.h"

namespace tidegate::sqlite {

Result<std::vector<app::Artifact>> SqliteStore::expired_artifacts(Instant now, std::int64_t limit) {
  return read_artifacts(
      "JOIN jobs j ON j.id=a.job JOIN pipelines p ON p.id=j.pipeline WHERE a.expire_at < ?"
      " AND (EXISTS(SELECT 1 FROM pipelines n WHERE n.project=p.project AND n.ref=p.ref AND n.is_tag=p.is_tag"
      " AND n.status='success' AND n.id > p.id)"
      " OR NOT EXISTS(SELECT 1 FROM known_refs k WHERE k.project=p.project AND"
      " k.ref=(CASE WHEN p.is_tag THEN 'refs/tags/' ELSE 'refs/heads/' END) || p.ref))"
      " ORDER BY a.id LIMIT ?",
      {now, limit});
}

Status SqliteStore::remove_artifact(std::int64_t id) {
  return db_.run("DELETE FROM artifacts WHERE id=?", {id});
}

Result<app::EnvironmentRecord> SqliteStore::put_environment(app::EnvironmentRecord e) {
  TG_CHECK(db_.run(
      "INSERT INTO environments(project, name, slug, tier, url, state, on_stop, last_job, auto_stop_at,"
      " created_at, updated_at) VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11)"
      " ON CONFLICT(project, name) DO UPDATE SET slug=?3, tier=?4, url=?5, state=?6, on_stop=?7, last_job=?8,"
      " auto_stop_at=?9, updated_at=?11",
      {e.project, e.name, e.slug, e.tier, e.url, e.state, e.on_stop, e.last_job, e.auto_stop_at, e.created_at,
       e.updated_at}));
  TG_CHECK(db_.query("SELECT id, created_at FROM environments WHERE project=? AND name=?",
                     {e.project, e.name}, [&](const Row& row) {
                       e.id = row.integer(0);
                       e.created_at = row.instant(1);
                     }));
  return e;
}

Status SqliteStore::remove_environment(std::int64_t id) {
  return db_.transaction([&]() -> Status {
    TG_CHECK(db_.run("DELETE FROM deployments WHERE environment=?", {id}));
    return db_.run("DELETE FROM environments WHERE id=?", {id});
  });
}

Result<std::vector<app::EnvironmentRecord>> SqliteStore::read_environments(const std::string& where,
                                                                           const Values& values) {
  return all<app::EnvironmentRecord>(
      "SELECT id, project, name, slug, tier, url, state, on_stop, last_job, auto_stop_at, created_at,"
      " updated_at FROM environments " +
          where,
      values, [](const Row& row) {
        app::EnvironmentRecord e;
        e.id = row.integer(0);
        row.id(1, e.project);
        e.name = row.text(2);
        e.slug = row.text(3);
        e.tier = row.text(4);
        e.url = row.text(5);
        e.state = row.text(6);
        e.on_stop = row.text(7);
        row.id(8, e.last_job);
        e.auto_stop_at = row.optional_instant(9);
        e.created_at = row.instant(10);
        e.updated_at = row.instant(11);
        return e;
      });
}

Result<std::vector<app::EnvironmentRecord>> SqliteStore::environments(ProjectId project) {
  return read_environments("WHERE project=? ORDER BY name", {project});
}
Result<std::optional<app::EnvironmentRecord>> SqliteStore::environment(ProjectId project,
                                                                       const std::string& name) {
  return only(read_environments("WHERE project=? AND name=?", {project, name}));
}
Result<std::vector<app::EnvironmentRecord>> SqliteStore::overdue_environments(Instant now) {
  return read_environments("WHERE state='available' AND auto_stop_at <= ? ORDER BY id", {now});
}

Status SqliteStore::put_deployment(const app::DeploymentRecord& d) {
  return db_.run(
      "INSERT INTO deployments(environment, project, pipeline, job, ref, is_tag, sha, status, created_at,"
      " updated_at) VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10)"
      " ON CONFLICT(job) DO UPDATE SET environment=?1, status=?8, updated_at=?10",
      {d.environment, d.project, d.pipeline, d.job, d.ref, d.is_tag, d.sha, d.status, d.created_at,
       d.updated_at});
}

Result<std::vector<app::DeploymentRecord>> SqliteStore::deployments(ProjectId project,
                                                                    std::int64_t environment,
                                                                    std::int64_t limit) {
  return all<app::DeploymentRecord>(
      "SELECT id, environment, project, pipeline, job, ref, is_tag, sha, status, created_at, updated_at"
      " FROM deployments WHERE project=?1 AND (?2=0 OR environment=?2) ORDER BY id DESC LIMIT ?3",
      {project, environment, limit}, [](const Row& row) {
        app::DeploymentRecord d;
        d.id = row.integer(0);
        d.environment = row.integer(1);
        row.id(2, d.project);
        row.id(3, d.pipeline);
        row.id(4, d.job);
        d.ref = row.text(5);
        d.is_tag = row.boolean(6);
        d.sha = row.text(7);
        d.status = row.text(8);
        d.created_at = row.instant(9);
        d.updated_at = row.instant(10);
        return d;
      });
}

Status SqliteStore::add_release(const app::ReleaseRecord& r) {
  return db_.transaction([&]() -> Status {
    std::int64_t other = 0;
    TG_CHECK(db_.query("SELECT job FROM releases WHERE project=? AND tag_name=?",
                       {r.project, r.release.tag_name}, [&](const Row& row) { other = row.integer(0); }));
    if (other == r.job.value()) return {};
    if (other != 0) return fail(Errc::kConflict, "there is a release " + r.release.tag_name + " already");
    return db_.run(
        "INSERT INTO releases(project, tag_name, content, sha, job, created_at, released_at)"
        " VALUES(?,?,?,?,?,?,?)",
        {r.project, r.release.tag_name, encode_release(r.release), r.sha, r.job, r.created_at,
         r.released_at});
  });
}

Result<std::vector<app::ReleaseRecord>> SqliteStore::releases(ProjectId project) {
  Status decoded;
  TG_TRY(auto out,
         all<app::ReleaseRecord>("SELECT project, content, sha, job, created_at, released_at FROM releases"
                                 " WHERE project=? ORDER BY released_at DESC, rowid DESC",
                                 {project}, [&](const Row& row) {
                                   app::ReleaseRecord r;
                                   row.id(0, r.project);
                                   auto release = decode_release(row.text(1));
                                   if (!release) decoded = release.error();
                                   if (release) r.release = std::move(*release);
                                   r.sha = row.text(2);
                                   row.id(3, r.job);
                                   r.created_at = row.instant(4);
                                   r.released_at = row.instant(5);
                                   return r;
                                 }));
  TG_CHECK(decoded);
  return out;
}

}  // namespace tidegate::sqlite
