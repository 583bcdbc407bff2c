// Pipelines, jobs, artifacts.
#include "adapters/sqlite/message_json.h"
#include "adapters/sqlite/options_json.h"
#include "adapters/sqlite/store_impl.h"

namespace tidegate::sqlite {
namespace {

Value optional_code(const std::optional<int>& code) {
  return code ? Value(*code) : Value(std::optional<Instant>());
}

constexpr std::string_view kFiltered =
    "WHERE project=?1 AND (?2='' OR ref=?2) AND (?3='' OR sha=?3) AND (?4=source OR (?4='' AND "
    "source NOT IN ('parent_pipeline','probe'))) AND "
    "(?5='' OR status=?5)";

std::string status_word(const app::PipelineFilter& filter) {
  return filter.status ? std::string(pipeline::to_string(*filter.status)) : std::string();
}

}  // namespace

Result<app::Pipeline> SqliteStore::add_pipeline(app::Pipeline p, std::vector<app::Job>& jobs) {
  TG_CHECK(db_.transaction([&]() -> Status {
    TG_CHECK(db_.query("SELECT next_iid FROM projects WHERE id=?", {p.project},
                       [&](const Row& row) { p.iid = row.integer(0); }));
    TG_CHECK(db_.run("UPDATE projects SET next_iid=next_iid+1 WHERE id=?", {p.project}));
    TG_CHECK(db_.run(
        "INSERT INTO pipelines(project, iid, ref, is_tag, sha, before_sha, source, name, status, version,"
        " yaml_errors, stages, sealed_variables, created_at, started_at, finished_at, settled, on_new_commit,"
        " on_job_failure, upstream, bridge) VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
        {p.project,
         p.iid,
         p.ref,
         p.is_tag,
         p.sha,
         p.before_sha,
         p.source,
         p.name,
         pipeline::to_string(p.status),
         p.version,
         p.yaml_errors,
         encode_strings(p.stages),
         vault_.seal(encode_variables(p.variables)),
         p.created_at,
         p.started_at,
         p.finished_at,
         p.settled,
         static_cast<std::int64_t>(p.on_new_commit),
         static_cast<std::int64_t>(p.on_job_failure),
         p.upstream,
         p.bridge}));
    p.id = PipelineId{db_.last_insert_id()};
    for (app::Job& job : jobs) {
      job.pipeline = p.id;
      job.project = p.project;
      TG_CHECK(add_job(job));
    }
    return {};
  }));
  return p;
}

Status SqliteStore::save_pipeline(const app::Pipeline& p) {
  return db_.run("UPDATE pipelines SET name=?, status=?, started_at=?, finished_at=?, settled=? WHERE id=?",
                 {p.name, pipeline::to_string(p.status), p.started_at, p.finished_at, p.settled, p.id});
}

Result<std::vector<app::Pipeline>> SqliteStore::read_pipelines(const std::string& where,
                                                               const Values& values) {
  Status decoded;
  TG_TRY(auto out, all<app::Pipeline>(
                       "SELECT id, project, iid, ref, is_tag, sha, before_sha, source, name, status, "
                       "version, yaml_errors, stages,"
                       " sealed_variables, created_at, started_at, finished_at, settled, on_new_commit,"
                       " on_job_failure, upstream, bridge FROM pipelines " +
                           where,
                       values, [&](const Row& row) {
                         app::Pipeline p;
                         row.id(0, p.id);
                         row.id(1, p.project);
                         p.iid = row.integer(2);
                         p.ref = row.text(3);
                         p.is_tag = row.boolean(4);
                         p.sha = row.text(5);
                         p.before_sha = row.text(6);
                         p.source = row.text(7);
                         p.name = row.text(8);
                         p.status =
                             pipeline::parse_job_status(row.text(9)).value_or(pipeline::JobStatus::kFailed);
                         row.id(10, p.version);
                         p.yaml_errors = row.text(11);
                         if (auto stages = decode_strings(row.text(12))) p.stages = *stages;
                         if (auto plain = vault_.unseal(row.text(13))) {
                           if (auto variables = decode_variables(*plain)) p.variables = *variables;
                         } else {
                           decoded = plain.error();
                         }
                         p.created_at = row.instant(14);
                         p.started_at = row.optional_instant(15);
                         p.finished_at = row.optional_instant(16);
                         p.settled = row.boolean(17);
                         p.on_new_commit = static_cast<config::OnNewCommit>(row.integer(18));
                         p.on_job_failure = static_cast<config::OnJobFailure>(row.integer(19));
                         row.id(20, p.upstream);
                         row.id(21, p.bridge);
                         return p;
                       }));
  TG_CHECK(decoded);
  return out;
}

Result<std::optional<app::Pipeline>> SqliteStore::pipeline(PipelineId id) {
  return only(read_pipelines("WHERE id=?", {id}));
}
Result<std::vector<app::Pipeline>> SqliteStore::pipelines(ProjectId project, const app::PipelineFilter& f,
                                                          std::int64_t limit, std::int64_t offset) {
  return read_pipelines(std::string(kFiltered) + " ORDER BY id DESC LIMIT ?6 OFFSET ?7",
                        {project, f.ref, f.sha, f.source, status_word(f), limit, offset});
}
Result<std::int64_t> SqliteStore::count_pipelines(ProjectId project, const app::PipelineFilter& f) {
  std::int64_t count = 0;
  TG_CHECK(db_.query("SELECT COUNT(*) FROM pipelines " + std::string(kFiltered),
                     {project, f.ref, f.sha, f.source, status_word(f)},
                     [&](const Row& row) { count = row.integer(0); }));
  return count;
}
Result<std::vector<app::Pipeline>> SqliteStore::downstream_of(PipelineId pipeline) {
  return read_pipelines("WHERE upstream=? AND upstream<>0 ORDER BY id", {pipeline});
}
Result<std::vector<app::Pipeline>> SqliteStore::unsettled_pipelines() {
  return read_pipelines("WHERE settled=0 ORDER BY id", {});
}

Status SqliteStore::add_resource_group(ProjectId project, const std::string& key) {
  return db_.run("INSERT OR IGNORE INTO resource_groups(project, key, process_mode) VALUES(?,?,'unordered')",
                 {project, key});
}

Result<std::vector<app::ResourceGroup>> SqliteStore::resource_groups(ProjectId project) {
  return all<app::ResourceGroup>(
      "SELECT id, key, process_mode FROM resource_groups WHERE project=? ORDER BY key", {project},
      [](const Row& row) {
        app::ResourceGroup group{.id = row.integer(0), .key = row.text(1)};
        group.mode = pipeline::parse_process_mode(row.text(2)).value_or(pipeline::ProcessMode::kUnordered);
        return group;
      });
}

Status SqliteStore::set_process_mode(ProjectId project, const std::string& key, pipeline::ProcessMode mode) {
  return db_.run("UPDATE resource_groups SET process_mode=? WHERE project=? AND key=?",
                 {pipeline::to_string(mode), project, key});
}

Result<JobId> SqliteStore::add_job(app::Job& job) {
  const auto& s = job.state;
  // The message names the job, so it is sealed after the row has given its id.
  TG_CHECK(db_.run(
      "INSERT INTO jobs(pipeline, project, position, name, stage, status, rules, allow_failure, attempt, "
      "retried,"
      " failure_reason, exit_code, sealed_message, token, reason, runner, created_at, queued_at, started_at,"
      " finished_at, due_at, sealed_options, sealed_bridge, downstream)"
      " VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,'',?13,?14,?15,?16,?17,?18,?19,?20,?21,?22,?23)",
      {job.pipeline,
       job.project,
       static_cast<std::int64_t>(s.stage),
       s.name,
       job.stage,
       pipeline::to_string(s.status),
       encode_job_rules(s),
       s.allow_failure,
       s.attempt,
       s.retried,
       s.failure_reason,
       optional_code(s.exit_code),
       job.message.token.reveal(),
       job.reason,
       job.runner,
       job.created_at,
       job.queued_at,
       job.started_at,
       job.finished_at,
       job.due_at,
       vault_.seal(encode_options({job.options, job.environment})),
       job.bridge ? vault_.seal(encode_bridge(*job.bridge)) : std::string(),
       job.downstream}));
  job.state.id = JobId{db_.last_insert_id()};
  job.message.id = job.state.id;
  TG_CHECK(db_.run("UPDATE jobs SET sealed_message=? WHERE id=?",
                   {vault_.seal(encode_message(job.message)), job.state.id}));
  return job.state.id;
}

Status SqliteStore::save_job(const app::Job& job) {
  const auto& s = job.state;
  return db_.run(
      "UPDATE jobs SET status=?, rules=?, allow_failure=?, attempt=?, retried=?, failure_reason=?, "
      "exit_code=?, "
      "runner=?,"
      " queued_at=?, started_at=?, finished_at=?, due_at=?, coverage=?, downstream=?, log_sha256=? "
      "WHERE id=?",
      {pipeline::to_string(s.status), encode_job_rules(s), s.allow_failure, s.attempt, s.retried,
       s.failure_reason, optional_code(s.exit_code), job.runner, job.queued_at, job.started_at,
       job.finished_at, job.due_at, job.coverage, job.downstream, job.log_sha256, s.id});
}

Result<std::vector<app::Job>> SqliteStore::read_jobs(const std::string& where, const Values& values) {
  Status decoded;
  const auto read = [&](const Row& row) {
    app::Job job;
    row.id(0, job.state.id);
    row.id(1, job.pipeline);
    row.id(2, job.project);
    job.state.name = row.text(3);
    job.stage = row.text(4);
    job.state.status = pipeline::parse_job_status(row.text(5)).value_or(pipeline::JobStatus::kFailed);
    if (Status rules = decode_job_rules(row.text(6), job.state); !rules) decoded = rules;
    job.state.allow_failure = row.boolean(7);
    job.state.attempt = static_cast<int>(row.integer(8));
    job.state.retried = row.boolean(9);
    job.state.failure_reason = row.text(10);
    if (!row.is_null(11)) job.state.exit_code = static_cast<int>(row.integer(11));
    auto plain = vault_.unseal(row.text(12));
    auto message = plain ? decode_message(*plain) : Result<pipeline::JobMessage>(plain.error());
    if (message) {
      job.message = std::move(*message);
      job.message.id = job.state.id;
    } else {
      decoded = message.error();
    }
    job.reason = row.text(13);
    job.runner = row.text(14);
    job.created_at = row.instant(15);
    job.queued_at = row.optional_instant(16);
    job.started_at = row.optional_instant(17);
    job.finished_at = row.optional_instant(18);
    job.due_at = row.optional_instant(19);
    if (!row.is_null(20)) job.coverage = row.real(20);
    auto options = row.text(21).empty() ? Result<std::string>(std::string()) : vault_.unseal(row.text(21));
    auto stored = options ? decode_options(*options) : Result<StoredOptions>(options.error());
    if (stored) {
      job.options = std::move(stored->options);
      job.environment = std::move(stored->environment);
    } else {
      decoded = stored.error();
    }
    if (Status bridge = read_bridge(row.text(22), job); !bridge) decoded = bridge;
    row.id(23, job.downstream);
    job.log_sha256 = row.text(24);
    return job;
  };
  TG_TRY(auto out,
         all<app::Job>(
             "SELECT id, pipeline, project, name, stage, status, rules, allow_failure, attempt, retried,"
             " failure_reason, exit_code, sealed_message, reason, runner, created_at, queued_at, started_at,"
             " finished_at, due_at, coverage, sealed_options, sealed_bridge, downstream, log_sha256"
             " FROM jobs " +
                 where,
             values, read));
  TG_CHECK(decoded);
  return out;
}

Status SqliteStore::read_bridge(const std::string& sealed, app::Job& job) {
  if (sealed.empty()) return {};
  TG_TRY(const std::string plain, vault_.unseal(sealed));
  TG_TRY(job.bridge, decode_bridge(plain));
  return {};
}

Result<std::optional<app::Job>> SqliteStore::job(JobId id) {
  return only(read_jobs("WHERE id=?", {id}));
}
Result<std::optional<app::Job>> SqliteStore::job_by_token(const std::string& token) {
  return only(read_jobs("WHERE token=?", {token}));
}
Result<std::vector<app::Job>> SqliteStore::followers(PipelineId pipeline) {
  return read_jobs("WHERE downstream=? AND downstream<>0 AND retried=0 ORDER BY id", {pipeline});
}
Result<std::vector<app::Job>> SqliteStore::jobs(PipelineId pipeline) {
  return read_jobs("WHERE pipeline=? ORDER BY position, id", {pipeline});
}

Result<std::int64_t> SqliteStore::add_artifact(const app::Artifact& a) {
  TG_CHECK(
      db_.run("INSERT OR REPLACE INTO artifacts(job, type, format, file, file_name, size, sha256, expire_at)"
              " VALUES(?,?,?,?,?,?,?,?)",
              {a.job, a.type, a.format, a.file, a.file_name, a.size, a.sha256, a.expire_at}));
  return db_.last_insert_id();
}
Result<std::vector<app::Artifact>> SqliteStore::artifacts(JobId job) {
  return read_artifacts("WHERE a.job=? ORDER BY a.id", {job});
}
Result<std::vector<app::Artifact>> SqliteStore::read_artifacts(const std::string& where,
                                                               const Values& values) {
  return all<app::Artifact>(
      "SELECT a.id, a.job, a.type, a.format, a.file, a.file_name, a.size, a.sha256, a.expire_at"
      " FROM artifacts a " +
          where,
      values, [](const Row& row) {
        app::Artifact a;
        a.id = row.integer(0);
        row.id(1, a.job);
        a.type = row.text(2);
        a.format = row.text(3);
        a.file = row.text(4);
        a.file_name = row.text(5);
        a.size = static_cast<std::uint64_t>(row.integer(6));
        a.sha256 = row.text(7);
        a.expire_at = row.optional_instant(8);
        return a;
      });
}

}  // namespace tidegate::sqlite
