// Gate: from the bytes to a running pipeline.
#include <fmt/core.h>

#include "app/server/candidate_commit.h"
#include "app/server/gate.h"
#include "base/log.h"
#include "base/text.h"

namespace tidegate::app {

// Blocking.
Result<std::optional<Gate::Candidate>> Gate::make_candidate(
    const Version& version, const Project& project, const std::vector<dataset::Car>& train,
    const std::optional<GateRecord>& quarantine) const {
  TG_TRY(const auto repository, ports_.repository(project));
  TG_TRY(const std::string head, repository->resolve("refs/heads/" + version.branch));
  const auto base = dataset::base_of(train, version.id, head);
  if (!base) return std::optional<Candidate>();
  if (quarantine) {
    TG_TRY(const bool same, is_same_code(*repository, quarantine->base_sha, *base));
    if (same)
      return fail(Errc::kInvalid,
                  "these very bytes are in quarantine: with the same code they were bad data (" +
                      quarantine->verdict_reason + ")");
  }
  TG_TRY(const std::string sha, make_commit(*repository, version, *base));
  if (sha == *base) return std::optional(Candidate{sha, sha});
  // The branch is for people and goes when all is decided; the other keeps the commit for lineage.
  TG_CHECK(point_ref(*repository, "refs/tidegate/candidates/" + candidate_name(version), sha));
  TG_CHECK(point_ref(*repository, candidate_branch(version), sha));
  return std::optional(Candidate{*base, sha});
}

void Gate::bind(Version version) {
  const auto project = ports_.store.project(version.project);
  const auto quarantine = ports_.store.quarantined_bytes(version.project, version.source, version.sha256);
  const auto train = candidates_.train(version);
  if (!project || !*project || !quarantine)
    return retry_later(version, fail(Errc::kUnavailable, "the store cannot be read"));
  if (!train) return retry_later(version, train.error());
  in_background(
      ports_.workers, ports_.loop,
      [this, version, project = **project, train = *train, quarantine = *quarantine] {
        return make_candidate(version, project, train, quarantine);
      },
      [this, version](const Result<std::optional<Candidate>>& made) { bound(version, made); });
}

void Gate::bound(Version version, const Result<std::optional<Candidate>>& made) {
  if (!made) {
    if (worth_retrying(made.error().code)) return retry_later(version, made.error());
    return step(version, dataset::Unusable{made.error().message});
  }
  if (!*made) return note(version, "waits for " + candidates_.before(version).value_or("another version"));
  version.base_sha = (*made)->base_sha;
  version.candidate_sha = (*made)->sha;
  version.pipeline = PipelineId{};
  ++version.attempt;
  step(version, dataset::CandidateMade{version.candidate_sha.substr(0, 8), version.base_sha.substr(0, 8)});
}

void Gate::test(Version version) {
  if (version.pipeline) {
    busy_.erase(version.id);  // it runs; pipeline_finished() goes on
    // After a restart its jobs may have been kept back, because the sources' settings were not known yet.
    ports_.loop.post([this] { pipelines_.offer(); });
    return watch(version);
  }
  PipelineRequest request;
  request.project = version.project;
  request.ref = version.branch;
  request.sha = version.candidate_sha;
  // Nothing has changed, so there is nothing that `rules: changes` could compare: they let pass.
  if (!in_variable(version)) request.before_sha = version.base_sha;
  request.version = version.id;
  request.data_source = version.source;
  request.variables = {{"TIDEGATE_CANDIDATE", "true"},
                       {"TIDEGATE_SOURCE", version.source},
                       {"TIDEGATE_VERSION", fmt::format("{}", version.number)}};
  pipelines_.create(std::move(request), [this, version](const Result<Pipeline>& created) {
    if (created) {
      busy_.erase(version.id);
      return advance(version.id);
    }
    if (worth_retrying(created.error().code)) return retry_later(version, created.error());
    test_refused(version, created.error().message);
  });
}

void Gate::test_refused(const Version& version, const std::string& reason) {
  const auto project = ports_.store.project(version.project);
  if (project && *project) {
    ports_.workers.post([this, version, project = **project] {
      const auto repository = ports_.repository(project);
      const Status dropped = repository ? drop_branch(**repository, version) : Status(repository.error());
      if (!dropped) log::warn("data", "{}", dropped.error().message);
    });
  }
  step(version, dataset::Unusable{reason});
}

// Its pipeline runs: is it still worth it?
void Gate::watch(const Version& version) {
  const auto train = candidates_.train(version);
  const auto pipeline = ports_.store.pipeline(version.pipeline);
  if (!train || !pipeline || !*pipeline || pipeline::is_completed((*pipeline)->status)) return;
  if (dataset::turn_by_order(*train, version.id) == dataset::Turn::kStale)
    return end_pipeline(version, true, "what the candidate was made on will not be: it is made again");
  const auto settings = candidates_.settings(version.project, version.source);
  if (!settings || settings->most_time == Seconds{0}) return;
  const Instant due = (*pipeline)->created_at + settings->most_time;
  const Instant now = ports_.clock.now();
  if (now >= due)
    return end_pipeline(version, false,
                        fmt::format("pipeline #{} took longer than the source's `limits: {{time: {}}}`",
                                    version.pipeline.value(), format_duration(settings->most_time)));
  if (!timed_.insert(version.pipeline).second) return;
  ports_.loop.post_after(due - now + Millis{1}, [this, id = version.id, pipeline = version.pipeline] {
    timed_.erase(pipeline);
    advance(id);
  });
}

// The reason is stored first: a restart must not take our cancel for a person's.
void Gate::end_pipeline(const Version& version, bool overtaken, const std::string& reason) {
  auto found = ports_.store.gate_record(version.id);
  if (!found) return retry_later(version, found.error());
  GateRecord record = found->value_or(GateRecord{});
  record.version = version.id;
  record.project = version.project;
  record.source = version.source;
  record.ended = version.pipeline;
  record.overtaken = overtaken;
  record.ended_why = reason;
  if (Status saved = ports_.store.put_gate_record(record); !saved) return retry_later(version, saved.error());
  step(version, dataset::PipelineFailed{reason});
}

}  // namespace tidegate::app
