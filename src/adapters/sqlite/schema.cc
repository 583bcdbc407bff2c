#include "adapters/sqlite/schema.h"

#include <algorithm>
#include <array>

#include <fmt/core.h>

namespace tidegate::sqlite {
namespace {

// Times are milliseconds since 1970 (UTC). Sealed columns hold what Vault::seal gave.
constexpr std::string_view kStep1 = R"sql(
CREATE TABLE projects(id INTEGER PRIMARY KEY, path TEXT NOT NULL UNIQUE, default_branch TEXT NOT NULL,
  next_iid INTEGER NOT NULL DEFAULT 1, created_at INTEGER NOT NULL);
CREATE TABLE tokens(id INTEGER PRIMARY KEY, kind TEXT NOT NULL, project INTEGER NOT NULL, name TEXT NOT NULL,
  sha256 TEXT NOT NULL UNIQUE, created_at INTEGER NOT NULL);
CREATE TABLE variables(project INTEGER NOT NULL REFERENCES projects(id), key TEXT NOT NULL, sealed_value TEXT NOT NULL,
  masked INTEGER NOT NULL, protected INTEGER NOT NULL, raw INTEGER NOT NULL, file INTEGER NOT NULL,
  PRIMARY KEY(project, key));
CREATE TABLE known_refs(project INTEGER NOT NULL REFERENCES projects(id), ref TEXT NOT NULL, sha TEXT NOT NULL,
  PRIMARY KEY(project, ref));

CREATE TABLE sources(project INTEGER NOT NULL REFERENCES projects(id), source TEXT NOT NULL,
  baseline_at INTEGER NOT NULL, PRIMARY KEY(project, source));
CREATE TABLE events(id INTEGER PRIMARY KEY, project INTEGER NOT NULL, source TEXT NOT NULL, identity TEXT NOT NULL,
  provider TEXT NOT NULL, bucket TEXT NOT NULL, key TEXT NOT NULL, version_id TEXT NOT NULL, etag TEXT NOT NULL,
  size INTEGER, sequencer TEXT NOT NULL, occurred_at INTEGER NOT NULL, origin TEXT NOT NULL, verdict TEXT NOT NULL,
  reason TEXT NOT NULL, version INTEGER NOT NULL DEFAULT 0, received_at INTEGER NOT NULL);
CREATE INDEX events_identity ON events(project, source, identity);
CREATE INDEX events_version ON events(version) WHERE version <> 0;
CREATE TABLE keys(project INTEGER NOT NULL, source TEXT NOT NULL, key TEXT NOT NULL, identity TEXT NOT NULL,
  sequencer TEXT NOT NULL, occurred_at INTEGER NOT NULL, etag TEXT NOT NULL, size INTEGER NOT NULL,
  PRIMARY KEY(project, source, key));
CREATE TABLE versions(id INTEGER PRIMARY KEY, project INTEGER NOT NULL REFERENCES projects(id), source TEXT NOT NULL,
  number INTEGER NOT NULL, identity TEXT NOT NULL, bucket TEXT NOT NULL, key TEXT NOT NULL,
  object_version TEXT NOT NULL, etag TEXT NOT NULL, size INTEGER NOT NULL, sha256 TEXT NOT NULL, uri TEXT NOT NULL,
  state TEXT NOT NULL, reason TEXT NOT NULL, branch TEXT NOT NULL, base_sha TEXT NOT NULL, candidate_sha TEXT NOT NULL,
  pipeline INTEGER NOT NULL, attempt INTEGER NOT NULL, created_at INTEGER NOT NULL, due_at INTEGER NOT NULL,
  finished_at INTEGER, UNIQUE(project, source, number));
CREATE INDEX versions_candidate ON versions(project, candidate_sha);
CREATE INDEX versions_object ON versions(project, source, key);

CREATE TABLE pipelines(id INTEGER PRIMARY KEY, project INTEGER NOT NULL REFERENCES projects(id), iid INTEGER NOT NULL,
  ref TEXT NOT NULL, is_tag INTEGER NOT NULL, sha TEXT NOT NULL, before_sha TEXT NOT NULL, source TEXT NOT NULL,
  name TEXT NOT NULL, status TEXT NOT NULL, version INTEGER NOT NULL, yaml_errors TEXT NOT NULL, stages TEXT NOT NULL,
  sealed_variables TEXT NOT NULL, created_at INTEGER NOT NULL, started_at INTEGER, finished_at INTEGER,
  settled INTEGER NOT NULL);
CREATE INDEX pipelines_project ON pipelines(project, id);
CREATE INDEX pipelines_unsettled ON pipelines(id) WHERE settled = 0;
CREATE TABLE jobs(id INTEGER PRIMARY KEY, pipeline INTEGER NOT NULL REFERENCES pipelines(id), project INTEGER NOT NULL,
  position INTEGER NOT NULL, name TEXT NOT NULL, stage TEXT NOT NULL, status TEXT NOT NULL, rules TEXT NOT NULL,
  allow_failure INTEGER NOT NULL, attempt INTEGER NOT NULL, retried INTEGER NOT NULL, failure_reason TEXT NOT NULL,
  exit_code INTEGER, sealed_message TEXT NOT NULL, token TEXT NOT NULL UNIQUE, reason TEXT NOT NULL,
  runner TEXT NOT NULL, created_at INTEGER NOT NULL, queued_at INTEGER, started_at INTEGER, finished_at INTEGER,
  due_at INTEGER);
CREATE INDEX jobs_pipeline ON jobs(pipeline, position);
CREATE TABLE artifacts(id INTEGER PRIMARY KEY, job INTEGER NOT NULL REFERENCES jobs(id), type TEXT NOT NULL,
  format TEXT NOT NULL, file TEXT NOT NULL, file_name TEXT NOT NULL, size INTEGER NOT NULL, sha256 TEXT NOT NULL,
  expire_at INTEGER, UNIQUE(job, type, file_name));

CREATE TABLE deliveries(id INTEGER PRIMARY KEY, kind TEXT NOT NULL, key TEXT NOT NULL UNIQUE, project INTEGER NOT NULL,
  pipeline INTEGER NOT NULL, job INTEGER NOT NULL, target TEXT NOT NULL, state TEXT NOT NULL, repository TEXT NOT NULL,
  digest TEXT NOT NULL, release TEXT NOT NULL, previous TEXT NOT NULL, message TEXT NOT NULL,
  created_at INTEGER NOT NULL, finished_at INTEGER);
CREATE INDEX deliveries_pipeline ON deliveries(pipeline);
CREATE TABLE quarantine(project INTEGER NOT NULL, digest TEXT NOT NULL, reason TEXT NOT NULL, at INTEGER NOT NULL,
  PRIMARY KEY(project, digest));
)sql";

// Environments, releases, and what a job asks for beside running.
constexpr std::string_view kStep2 = R"sql(
ALTER TABLE jobs ADD COLUMN sealed_options TEXT NOT NULL DEFAULT '';
ALTER TABLE jobs ADD COLUMN coverage REAL;
CREATE INDEX artifacts_expire ON artifacts(expire_at) WHERE expire_at IS NOT NULL;
CREATE INDEX pipelines_ref ON pipelines(project, ref, status);
CREATE TABLE environments(id INTEGER PRIMARY KEY, project INTEGER NOT NULL REFERENCES projects(id),
  name TEXT NOT NULL, slug TEXT NOT NULL, tier TEXT NOT NULL, url TEXT NOT NULL, state TEXT NOT NULL,
  on_stop TEXT NOT NULL, last_job INTEGER NOT NULL, auto_stop_at INTEGER, created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL, UNIQUE(project, name));
CREATE TABLE deployments(id INTEGER PRIMARY KEY, environment INTEGER NOT NULL REFERENCES environments(id),
  project INTEGER NOT NULL, pipeline INTEGER NOT NULL, job INTEGER NOT NULL UNIQUE, ref TEXT NOT NULL,
  is_tag INTEGER NOT NULL, sha TEXT NOT NULL, status TEXT NOT NULL, created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL);
CREATE INDEX deployments_environment ON deployments(environment, id);
CREATE TABLE releases(project INTEGER NOT NULL REFERENCES projects(id), tag_name TEXT NOT NULL,
  content TEXT NOT NULL, sha TEXT NOT NULL, job INTEGER NOT NULL, created_at INTEGER NOT NULL,
  released_at INTEGER NOT NULL, PRIMARY KEY(project, tag_name));
)sql";

// auto_cancel of a pipeline, by the numbers of the enumerations; resource groups.
constexpr std::string_view kStep3 = R"sql(
ALTER TABLE pipelines ADD COLUMN on_new_commit INTEGER NOT NULL DEFAULT 0;
ALTER TABLE pipelines ADD COLUMN on_job_failure INTEGER NOT NULL DEFAULT 0;
CREATE TABLE resource_groups(id INTEGER PRIMARY KEY, project INTEGER NOT NULL REFERENCES projects(id), key TEXT NOT NULL,
  process_mode TEXT NOT NULL, UNIQUE(project, key));
)sql";

// Pipelines that start pipelines.
constexpr std::string_view kStep4 = R"sql(
ALTER TABLE pipelines ADD COLUMN upstream INTEGER NOT NULL DEFAULT 0;
ALTER TABLE pipelines ADD COLUMN bridge INTEGER NOT NULL DEFAULT 0;
CREATE INDEX pipelines_upstream ON pipelines(upstream) WHERE upstream <> 0;
ALTER TABLE jobs ADD COLUMN sealed_bridge TEXT NOT NULL DEFAULT '';
ALTER TABLE jobs ADD COLUMN downstream INTEGER NOT NULL DEFAULT 0;
CREATE INDEX jobs_downstream ON jobs(downstream) WHERE downstream <> 0;
)sql";

// Who asked for a delivery.
constexpr std::string_view kStep5 = R"sql(
ALTER TABLE deliveries ADD COLUMN by_whom TEXT NOT NULL DEFAULT '';
)sql";

// Lineage: a chain of records that nothing changes any more, what they may be asked for by, and what the
// experiment tracker has been told.
constexpr std::string_view kStep6 = R"sql(
ALTER TABLE jobs ADD COLUMN log_sha256 TEXT NOT NULL DEFAULT '';
ALTER TABLE deliveries ADD COLUMN place TEXT NOT NULL DEFAULT '';
CREATE TABLE lineage(project INTEGER NOT NULL REFERENCES projects(id), number INTEGER NOT NULL, at INTEGER NOT NULL,
  pipeline INTEGER NOT NULL, version INTEGER NOT NULL, body TEXT NOT NULL, hash TEXT NOT NULL,
  PRIMARY KEY(project, number)) WITHOUT ROWID;
CREATE INDEX lineage_pipeline ON lineage(project, pipeline) WHERE pipeline <> 0;
CREATE TRIGGER lineage_stays BEFORE UPDATE ON lineage BEGIN SELECT RAISE(ABORT, 'lineage is append-only'); END;
CREATE TRIGGER lineage_is_kept BEFORE DELETE ON lineage BEGIN SELECT RAISE(ABORT, 'lineage is append-only'); END;
CREATE TABLE lineage_names(project INTEGER NOT NULL, name TEXT NOT NULL, is_digest INTEGER NOT NULL,
  number INTEGER NOT NULL, PRIMARY KEY(project, name, number)) WITHOUT ROWID;
CREATE TABLE training_runs(project INTEGER NOT NULL, run TEXT NOT NULL, experiment TEXT NOT NULL, delivery TEXT NOT NULL,
  release TEXT NOT NULL, input_logged INTEGER NOT NULL, seen_at INTEGER NOT NULL, PRIMARY KEY(project, run));
CREATE INDEX training_runs_release ON training_runs(project, release);
CREATE TABLE model_aliases(project INTEGER NOT NULL, target TEXT NOT NULL, model TEXT NOT NULL, champion TEXT NOT NULL,
  previous TEXT NOT NULL, PRIMARY KEY(project, target, model));
)sql";

// Sets of objects, what people did to data, listings that go on where they were.
constexpr std::string_view kStep7 = R"sql(
ALTER TABLE versions ADD COLUMN is_set INTEGER NOT NULL DEFAULT 0;
ALTER TABLE versions ADD COLUMN by_hand INTEGER NOT NULL DEFAULT 0;
ALTER TABLE versions ADD COLUMN because TEXT NOT NULL DEFAULT '';
ALTER TABLE versions ADD COLUMN became INTEGER NOT NULL DEFAULT 0;
CREATE INDEX versions_became ON versions(became) WHERE became <> 0;
CREATE INDEX versions_waiting ON versions(project, source, id) WHERE state = 'waiting';
CREATE INDEX versions_live ON versions(project, source, id) WHERE state = 'live';
CREATE INDEX versions_unfinished ON versions(id)
  WHERE state NOT IN ('baseline','live','rejected','superseded','skipped');
CREATE TABLE members(version INTEGER NOT NULL REFERENCES versions(id), name TEXT NOT NULL, key TEXT NOT NULL,
  wanted_size INTEGER, wanted_sha256 TEXT NOT NULL, wanted_etag TEXT NOT NULL, found INTEGER NOT NULL,
  version_id TEXT NOT NULL, etag TEXT NOT NULL, size INTEGER NOT NULL, sha256 TEXT NOT NULL,
  modified_at INTEGER NOT NULL, PRIMARY KEY(version, name)) WITHOUT ROWID;
CREATE TABLE data_actions(id INTEGER PRIMARY KEY, project INTEGER NOT NULL REFERENCES projects(id),
  source TEXT NOT NULL, version INTEGER NOT NULL, number INTEGER NOT NULL, action TEXT NOT NULL,
  identity TEXT NOT NULL, sha256 TEXT NOT NULL, who TEXT NOT NULL, reason TEXT NOT NULL, at INTEGER NOT NULL);
CREATE INDEX data_actions_source ON data_actions(project, source, id);
CREATE TABLE listings(project INTEGER NOT NULL REFERENCES projects(id), source TEXT NOT NULL,
  baseline INTEGER NOT NULL, started_at INTEGER NOT NULL, after TEXT NOT NULL, objects INTEGER NOT NULL,
  PRIMARY KEY(project, source));
)sql";

// Whose sequencer it is; hook tokens of one source, and sealed, so that they can be the key of a signature;
// what stores and queues sent that is no event.
constexpr std::string_view kStep8 = R"sql(
ALTER TABLE keys ADD COLUMN sequencer_by TEXT NOT NULL DEFAULT '';
ALTER TABLE tokens ADD COLUMN source TEXT NOT NULL DEFAULT '';
ALTER TABLE tokens ADD COLUMN sealed_key TEXT NOT NULL DEFAULT '';
CREATE TABLE contacts(id INTEGER PRIMARY KEY, project INTEGER NOT NULL, source TEXT NOT NULL, kind TEXT NOT NULL,
  channel TEXT NOT NULL, subject TEXT NOT NULL, detail TEXT NOT NULL, count INTEGER NOT NULL, first_at INTEGER NOT NULL,
  last_at INTEGER NOT NULL, UNIQUE(project, source, kind, channel, subject));
)sql";

// What the gate remembers of a version beside its state: what it ended, whose fault a failure is.
constexpr std::string_view kStep9 = R"sql(
CREATE TABLE gate(version INTEGER PRIMARY KEY REFERENCES versions(id), project INTEGER NOT NULL, source TEXT NOT NULL,
  ended INTEGER NOT NULL, overtaken INTEGER NOT NULL, ended_why TEXT NOT NULL, diagnosed_at INTEGER,
  old_code INTEGER NOT NULL, old_code_sha TEXT NOT NULL, verdict TEXT NOT NULL, verdict_reason TEXT NOT NULL,
  quarantined INTEGER NOT NULL, sha256 TEXT NOT NULL, base_sha TEXT NOT NULL);
CREATE INDEX gate_quarantined ON gate(project, source, sha256) WHERE quarantined<>0;
CREATE INDEX gate_diagnosed ON gate(project, source, diagnosed_at) WHERE diagnosed_at IS NOT NULL;
CREATE TABLE probes(version INTEGER NOT NULL REFERENCES versions(id), probe TEXT NOT NULL, pipeline INTEGER NOT NULL,
  result TEXT NOT NULL, reason TEXT NOT NULL, PRIMARY KEY(version, probe));
)sql";

constexpr std::array<std::string_view, 9> kSteps{kStep1, kStep2, kStep3, kStep4, kStep5,
                                                 kStep6, kStep7, kStep8, kStep9};

}  // namespace

Status migrate(Database& database, std::size_t steps) {
  std::int64_t version = 0;
  TG_CHECK(database.query("PRAGMA user_version", {}, [&](const Row& row) { version = row.integer(0); }));
  if (version > static_cast<std::int64_t>(kSteps.size())) {
    return fail(Errc::kEnvironment,
                fmt::format("the database has schema {}, this tidegate knows {}: use the newer program",
                            version, kSteps.size()));
  }
  for (auto step = static_cast<std::size_t>(version); step < std::min(steps, kSteps.size()); ++step) {
    TG_CHECK(database.transaction([&]() -> Status {
      TG_CHECK(database.script(kSteps[step]));
      return database.script(fmt::format("PRAGMA user_version={}", step + 1));
    }));
  }
  return {};
}

}  // namespace tidegate::sqlite
