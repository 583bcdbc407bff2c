#include "app/server/lineage_log.h"

#include "lineage/record.h"

namespace tidegate::app {
namespace {

Result<lineage::PipelineFact> fact_of(Store& store, const Pipeline& pipeline) {
  lineage::PipelineFact out;
  out.id = pipeline.id.value();
  out.source = pipeline.source;
  out.status = pipeline::to_string(pipeline.status);
  out.started_at = pipeline.started_at;
  out.finished_at = pipeline.finished_at;
  TG_TRY(const auto jobs, store.jobs(pipeline.id));
  for (const Job& job : jobs) {
    lineage::JobFact fact;
    fact.id = job.state.id.value();
    fact.name = job.state.name;
    fact.stage = job.stage;
    fact.status = pipeline::to_string(job.state.status);
    fact.retried = job.state.retried;
    if (job.state.exit_code) fact.exit_code = *job.state.exit_code;
    fact.failure = job.state.failure_reason;
    fact.log_sha256 = job.log_sha256;
    out.jobs.push_back(std::move(fact));
  }
  return out;
}

lineage::DeliveryFact fact_of(const Delivery& d) {
  return {std::string(to_string(d.kind)),
          d.key,
          d.job.value(),
          d.target,
          d.place,
          d.state,
          d.repository,
          d.digest,
          d.release,
          d.previous,
          d.message};
}

lineage::Data fact_of(const Version& v) {
  return {v.source, v.number, v.bucket, v.key, v.object_version, v.etag, static_cast<std::int64_t>(v.size),
          v.sha256, v.uri};
}

/// The pipeline with its jobs and what it delivered.
Status add_pipeline(Store& store, PipelineId id, lineage::Record& record) {
  TG_TRY(const auto pipeline, store.pipeline(id));
  if (!pipeline) return {};
  TG_TRY(record.pipeline, fact_of(store, *pipeline));
  TG_TRY(const auto deliveries, store.deliveries_of(id));
  for (const Delivery& delivery : deliveries) record.deliveries.push_back(fact_of(delivery));
  return {};
}

Status append(Store& store, ProjectId id, lineage::Record record, PipelineId pipeline, VersionId version) {
  TG_TRY(const auto project, store.project(id));
  if (!project) return fail(Errc::kInternal, "the project is gone");
  record.project = project->path;
  TG_TRY(const auto head, store.lineage_head(id));
  const auto entry = lineage::chained(head, record, pipeline, version);
  return store.add_lineage(id, entry, lineage::names_of(record));
}

// A candidate that is made again leaves the pipeline of the one before in the version until then.
bool ends_attempt(const Version& version) {
  if (version.state == VersionState::kBinding) return static_cast<bool>(version.pipeline);
  return is_final(version.state) && version.state != VersionState::kBaseline;
}

Status record_attempt(Store& store, const Version& version, Instant now) {
  lineage::Record record;
  record.at = now;
  record.verdict = is_final(version.state) ? std::string(to_string(version.state)) : "made_again";
  record.reason = version.reason;
  record.attempt = version.attempt;
  record.data = fact_of(version);
  record.commit = version.candidate_sha;
  record.parent = version.base_sha;
  record.branch = version.branch;
  record.promoted = version.state == VersionState::kLive;
  TG_CHECK(add_pipeline(store, version.pipeline, record));
  return append(store, version.project, std::move(record), version.pipeline, version.id);
}

}  // namespace

Status save_and_record(ServerPorts& ports, const Version& version) {
  return ports.store.transaction([&]() -> Status {
    TG_CHECK(ports.store.save_version(version));
    return ends_attempt(version) ? record_attempt(ports.store, version, ports.clock.now()) : Status{};
  });
}

Status record_pipeline(Store& store, const Pipeline& pipeline, Instant now) {
  if (pipeline.version) return {};
  lineage::Record record;
  record.at = now;
  record.verdict = pipeline::to_string(pipeline.status);
  record.reason = pipeline.yaml_errors;
  record.commit = pipeline.sha;
  record.parent = pipeline.before_sha;
  record.branch = pipeline.ref;
  TG_CHECK(add_pipeline(store, pipeline.id, record));
  return append(store, pipeline.project, std::move(record), pipeline.id, {});
}

Status record_delivery(Store& store, const Delivery& delivery, Instant now) {
  lineage::Record record;
  record.kind = lineage::Kind::kDelivery;
  record.at = now;
  record.deliveries.push_back(fact_of(delivery));
  VersionId version;
  TG_TRY(const auto pipeline, store.pipeline(delivery.pipeline));
  if (pipeline) {
    record.commit = pipeline->sha;
    record.pipeline.emplace().id = pipeline->id.value();
    version = pipeline->version;
  }
  return append(store, delivery.project, std::move(record), delivery.pipeline, version);
}

Status record_run(Store& store, ProjectId project, const TrainingRun& run, PipelineId pipeline, Instant now) {
  lineage::Record record;
  record.kind = lineage::Kind::kRun;
  record.at = now;
  record.run = lineage::RunFact{run.run_id, run.experiment_id, run.delivery, run.release, run.input_logged};
  return append(store, project, std::move(record), pipeline, {});
}

Status record_alias(Store& store, ProjectId project, const lineage::AliasFact& alias, PipelineId pipeline,
                    Instant now) {
  lineage::Record record;
  record.kind = lineage::Kind::kAlias;
  record.at = now;
  record.alias = alias;
  return append(store, project, std::move(record), pipeline, {});
}

}  // namespace tidegate::app
