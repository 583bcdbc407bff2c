// What the gate remembers of versions beside their state.
#include "adapters/sqlite/store_impl.h"

namespace tidegate::sqlite {
namespace {

app::GateRecord record_of(const Row& row) {
  app::GateRecord r;
  row.id(0, r.version);
  row.id(1, r.project);
  r.source = row.text(2);
  row.id(3, r.ended);
  r.overtaken = row.integer(4) != 0;
  r.ended_why = row.text(5);
  r.diagnosed_at = row.optional_instant(6);
  r.old_code = static_cast<dataset::OldCode>(row.integer(7));
  r.old_code_sha = row.text(8);
  r.verdict = row.text(9);
  r.verdict_reason = row.text(10);
  r.quarantined = row.integer(11) != 0;
  r.sha256 = row.text(12);
  r.base_sha = row.text(13);
  return r;
}

}  // namespace

Result<std::optional<app::GateRecord>> SqliteStore::read_gate(const std::string& where,
                                                              const Values& values) {
  TG_TRY(auto record, first<app::GateRecord>("SELECT version, project, source, ended, overtaken, ended_why, "
                                             "diagnosed_at, old_code, old_code_sha, verdict, verdict_reason,"
                                             " quarantined, sha256, base_sha FROM gate " +
                                                 where,
                                             values, record_of));
  if (!record) return record;
  TG_CHECK(db_.query("SELECT probe, pipeline, result, reason FROM probes WHERE version=?", {record->version},
                     [&](const Row& row) {
                       const auto probe = dataset::parse_probe(row.text(0));
                       if (!probe) return;
                       app::ProbeRecord& out = record->probes[static_cast<std::size_t>(*probe)];
                       row.id(1, out.pipeline);
                       out.result = dataset::parse_probe_result(row.text(2));
                       out.reason = row.text(3);
                     }));
  return record;
}

Result<std::optional<app::GateRecord>> SqliteStore::gate_record(VersionId version) {
  return read_gate("WHERE version=?", {version});
}

Result<std::optional<app::GateRecord>> SqliteStore::quarantined_bytes(ProjectId project,
                                                                      const std::string& source,
                                                                      const std::string& sha256) {
  return read_gate(
      "WHERE project=? AND source=? AND sha256=? AND quarantined<>0 ORDER BY version DESC LIMIT 1",
      {project, source, sha256});
}

Result<int> SqliteStore::count_diagnoses(ProjectId project, const std::string& source, Instant since) {
  int count = 0;
  TG_CHECK(db_.query("SELECT COUNT(*) FROM gate WHERE project=? AND source=? AND diagnosed_at>=?",
                     {project, source, since},
                     [&](const Row& row) { count = static_cast<int>(row.integer(0)); }));
  return count;
}

Status SqliteStore::put_gate_record(const app::GateRecord& r) {
  return db_.transaction([&]() -> Status {
    TG_CHECK(
        db_.run("INSERT OR REPLACE INTO gate(version, project, source, ended, overtaken, ended_why, "
                "diagnosed_at, old_code, old_code_sha, verdict, verdict_reason, quarantined, sha256, "
                "base_sha) VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
                {r.version, r.project, r.source, r.ended, r.overtaken, r.ended_why, r.diagnosed_at,
                 static_cast<int>(r.old_code), r.old_code_sha, r.verdict, r.verdict_reason, r.quarantined,
                 r.sha256, r.base_sha}));
    for (std::size_t i = 0; i < r.probes.size(); ++i) {
      const app::ProbeRecord& probe = r.probes[i];
      TG_CHECK(
          db_.run("INSERT OR REPLACE INTO probes(version, probe, pipeline, result, reason) VALUES(?,?,?,?,?)",
                  {r.version, dataset::to_string(static_cast<dataset::Probe>(i)), probe.pipeline,
                   dataset::to_string(probe.result), probe.reason}));
    }
    return {};
  });
}

}  // namespace tidegate::sqlite
