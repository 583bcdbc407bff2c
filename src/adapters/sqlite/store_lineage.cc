// The chain of lineage records, and what the experiment tracker was told.
#include "adapters/sqlite/store_impl.h"

namespace tidegate::sqlite {
namespace {

constexpr std::size_t kShortestPrefix = 7;

}  // namespace

Result<std::vector<lineage::Entry>> SqliteStore::read_lineage(const std::string& where,
                                                              const Values& values) {
  return all<lineage::Entry>("SELECT number, hash, at, pipeline, version, body FROM lineage " + where, values,
                             [](const Row& row) {
                               lineage::Entry e;
                               e.link = {row.integer(0), row.text(1)};
                               e.at = row.instant(2);
                               row.id(3, e.pipeline);
                               row.id(4, e.version);
                               e.body = row.text(5);
                               return e;
                             });
}

Result<lineage::Link> SqliteStore::lineage_head(ProjectId project) {
  TG_TRY(const auto last, read_lineage("WHERE project=? ORDER BY number DESC LIMIT 1", {project}));
  return last.empty() ? lineage::Link{} : last.front().link;
}

Status SqliteStore::add_lineage(ProjectId project, const lineage::Entry& e,
                                const std::vector<lineage::Name>& names) {
  TG_TRY(const auto there, read_lineage("WHERE project=? AND number=?", {project, e.link.number}));
  if (!there.empty()) return fail(Errc::kConflict, "the chain of lineage has this record already");
  return transaction([&]() -> Status {
    TG_CHECK(db_.run(
        "INSERT INTO lineage(project, number, at, pipeline, version, body, hash) VALUES(?,?,?,?,?,?,?)",
        {project, e.link.number, e.at, e.pipeline, e.version, e.body, e.link.hash}));
    for (const lineage::Name& name : names) {
      TG_CHECK(
          db_.run("INSERT OR IGNORE INTO lineage_names(project, name, is_digest, number) VALUES(?,?,?,?)",
                  {project, name.text, name.is_digest, e.link.number}));
    }
    return {};
  });
}

Result<std::vector<lineage::Entry>> SqliteStore::lineage_after(ProjectId project, std::int64_t number,
                                                               std::int64_t limit) {
  return read_lineage("WHERE project=? AND number>? ORDER BY number LIMIT ?", {project, number, limit});
}

// 'g' comes after every hexadecimal digit, so [what, what + 'g') is what begins with `what`.
Result<std::vector<lineage::Entry>> SqliteStore::lineage_named(ProjectId project, const std::string& what) {
  const std::string end = what.size() < kShortestPrefix ? what : what + "g";
  return read_lineage(
      "WHERE project=?1 AND number IN (SELECT number FROM lineage_names WHERE project=?1 AND name=?2 UNION "
      "SELECT number FROM lineage_names WHERE project=?1 AND name>=?2 AND name<?3 AND is_digest=1) "
      "ORDER BY number LIMIT 1000",
      {project, what, end});
}

Result<std::vector<lineage::Entry>> SqliteStore::lineage_of(ProjectId project, PipelineId pipeline) {
  return read_lineage("WHERE project=? AND pipeline=? AND pipeline<>0 ORDER BY number", {project, pipeline});
}

Result<std::vector<app::TrainingRun>> SqliteStore::training_runs(ProjectId project,
                                                                 const std::string& release) {
  return all<app::TrainingRun>(
      "SELECT run, experiment, delivery, release, input_logged, seen_at FROM training_runs"
      " WHERE project=? AND release=? ORDER BY seen_at, run",
      {project, release}, [](const Row& row) {
        return app::TrainingRun{row.text(0), row.text(1),    row.text(2),
                                row.text(3), row.boolean(4), row.instant(5)};
      });
}

Status SqliteStore::put_training_run(ProjectId project, const app::TrainingRun& r) {
  return db_.run(
      "INSERT INTO training_runs(project, run, experiment, delivery, release, input_logged, seen_at)"
      " VALUES(?,?,?,?,?,?,?) ON CONFLICT(project, run) DO UPDATE SET input_logged=excluded.input_logged",
      {project, r.run_id, r.experiment_id, r.delivery, r.release, r.input_logged, r.seen_at});
}

Result<app::ModelAliases> SqliteStore::model_aliases(ProjectId project, const std::string& target,
                                                     const std::string& model) {
  TG_TRY(const auto found,
         first<app::ModelAliases>(
             "SELECT champion, previous FROM model_aliases WHERE project=? AND target=? AND model=?",
             {project, target, model},
             [](const Row& row) { return app::ModelAliases{row.text(0), row.text(1)}; }));
  return found.value_or(app::ModelAliases{});
}

Status SqliteStore::put_model_aliases(ProjectId project, const std::string& target, const std::string& model,
                                      const app::ModelAliases& a) {
  return db_.run(
      "INSERT INTO model_aliases(project, target, model, champion, previous) VALUES(?,?,?,?,?)"
      " ON CONFLICT(project, target, model) DO UPDATE SET champion=excluded.champion, "
      "previous=excluded.previous",
      {project, target, model, a.champion, a.previous});
}

}  // namespace tidegate::sqlite
