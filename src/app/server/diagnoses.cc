#include "app/server/diagnoses.h"

#include <algorithm>
#include <chrono>

#include <fmt/core.h>

#include "app/server/candidate_commit.h"
#include "base/log.h"

namespace tidegate::app {
namespace {

using pipeline::JobStatus;

/// How many earlier pipelines are looked through for code that was good.
constexpr std::int64_t kMostPipelines = 100;
constexpr std::chrono::hours kDay{24};

bool by_script(const Job& job) {
  return !job.state.retried && !job.state.allow_failure && job.state.status == JobStatus::kFailed &&
         (job.state.failure_reason == "script_failure" ||
          job.state.failure_reason == "job_execution_timeout");
}

bool has_passed(const std::vector<Job>& jobs, const std::string& name) {
  return std::ranges::any_of(jobs, [&](const Job& job) {
    return job.state.name == name && !job.state.retried && job.state.status == JobStatus::kSuccess;
  });
}

bool worth_retrying(Errc code) {
  return code == Errc::kUnavailable || code == Errc::kEnvironment || code == Errc::kInternal;
}

ProbeRecord& at(GateRecord& record, dataset::Probe probe) {
  return record.probes[static_cast<std::size_t>(probe)];
}

dataset::Findings findings_of(const GateRecord& record) {
  dataset::Findings out;
  for (std::size_t i = 0; i < dataset::kProbes; ++i) out.results[i] = record.probes[i].result;
  out.old_code = record.old_code;
  return out;
}

}  // namespace

Result<std::vector<std::string>> failed_by_script(Store& store, PipelineId pipeline) {
  TG_TRY(const auto jobs, store.jobs(pipeline));
  std::vector<std::string> out;
  for (const Job& job : jobs) {
    if (by_script(job)) out.push_back(job.state.name);
  }
  return out;
}

Result<std::optional<std::string>> Diagnoses::why_not(const Version& version, const Pipeline& failed) const {
  const auto settings = candidates_.settings(version.project, version.source);
  if (!settings) return fail(Errc::kUnavailable, "tidegate.yml has not been read yet");
  const Instant now = ports_.clock.now();
  TG_TRY(const auto record, ports_.store.gate_record(version.id));
  if (record && record->diagnosed_at) return std::optional<std::string>("it was looked into before");
  dataset::FailedRun run;
  TG_TRY(const auto names, failed_by_script(ports_.store, failed.id));
  run.by_script = !names.empty();
  run.took = failed.finished_at.value_or(now) - failed.created_at;
  TG_TRY(run.diagnosed_today, ports_.store.count_diagnoses(version.project, version.source, now - kDay));
  return dataset::why_no_diagnosis({settings->diagnose, settings->longest, settings->per_day}, run);
}

void Diagnoses::trouble(const Version& version, const Error& error) {
  busy_.erase(version.id);
  trouble_(version, error);
}

void Diagnoses::go_on(const Version& version) {
  if (!busy_.insert(version.id).second) return;
  auto found = ports_.store.gate_record(version.id);
  if (!found) return trouble(version, found.error());
  GateRecord record = found->value_or(GateRecord{});
  if (!record.diagnosed_at) return begin(version, std::move(record));
  const auto next = dataset::next_probe(findings_of(record));
  if (const auto* conclusion = std::get_if<dataset::Conclusion>(&next))
    return conclude(version, std::move(record), *conclusion);
  const auto probe = std::get<dataset::Probe>(next);
  if (at(record, probe).pipeline) return void(busy_.erase(version.id));  // it runs; probe_finished() goes on
  run(version, record, probe);
}

// Which code has passed these jobs before is the same for all probes, and is looked for once.
void Diagnoses::begin(const Version& version, GateRecord record) {
  const auto project = ports_.store.project(version.project);
  const auto good = good_commits(version);
  if (!project || !*project || !good)
    return trouble(version, good ? fail(Errc::kUnavailable, "the store cannot be read") : good.error());
  in_background(
      ports_.workers, ports_.loop,
      [this, version, project = **project, good = *good] { return old_code(version, project, good); },
      [this, version, record = std::move(record)](Result<OldCodeAt> found) mutable {
        if (!found) return trouble(version, found.error());
        record.version = version.id;
        record.project = version.project;
        record.source = version.source;
        record.old_code = found->kind;
        record.old_code_sha = found->sha;
        record.sha256 = version.sha256;
        record.base_sha = version.base_sha;
        record.diagnosed_at = ports_.clock.now();
        if (Status saved = ports_.store.put_gate_record(record); !saved)
          return trouble(version, saved.error());
        busy_.erase(version.id);
        go_on(version);
      });
}

Result<std::vector<std::string>> Diagnoses::good_commits(const Version& version) const {
  TG_TRY(const auto names, failed_by_script(ports_.store, version.pipeline));
  PipelineFilter good;
  good.ref = version.branch;
  good.status = JobStatus::kSuccess;
  TG_TRY(const auto pipelines, ports_.store.pipelines(version.project, good, kMostPipelines, 0));
  std::vector<std::string> out;
  for (const Pipeline& one : pipelines) {
    TG_TRY(const auto jobs, ports_.store.jobs(one.id));
    if (std::ranges::all_of(names, [&](const std::string& name) { return has_passed(jobs, name); }))
      out.push_back(one.sha);
  }
  return out;
}

// Blocking.
Result<Diagnoses::OldCodeAt> Diagnoses::old_code(const Version& version, const Project& project,
                                                 const std::vector<std::string>& good) const {
  using enum dataset::OldCode;
  if (std::ranges::find(good, version.base_sha) != good.end()) return OldCodeAt{kSame, version.base_sha};
  TG_TRY(const auto repository, ports_.repository(project));
  for (const std::string& sha : good) {
    TG_TRY(const bool earlier, repository->is_ancestor(sha, version.base_sha));
    if (!earlier) continue;
    // Only the data has changed since: the code is that of the base.
    TG_TRY(const bool same, is_same_code(*repository, sha, version.base_sha));
    return OldCodeAt{same ? kSame : kOlder, sha};
  }
  return OldCodeAt{};
}

void Diagnoses::run(const Version& version, const GateRecord& record, dataset::Probe probe) {
  if (probe == dataset::Probe::kOldData)
    return make_pipeline(version, probe, version.base_sha, version.candidate_sha);
  if (probe == dataset::Probe::kAgain)
    return make_pipeline(version, probe, version.candidate_sha, version.base_sha);
  const auto project = ports_.store.project(version.project);
  if (!project || !*project) return trouble(version, fail(Errc::kUnavailable, "the store cannot be read"));
  in_background(
      ports_.workers, ports_.loop,
      [this, version, project = **project, base = record.old_code_sha] {
        return old_code_commit(version, project, base);
      },
      [this, version, probe, base = record.old_code_sha](const Result<std::string>& made) {
        if (made) return make_pipeline(version, probe, *made, base);
        if (worth_retrying(made.error().code)) return trouble(version, made.error());
        cannot_tell(version, probe, made.error().message);
      });
}

// Blocking.
Result<std::string> Diagnoses::old_code_commit(const Version& version, const Project& project,
                                               const std::string& base) const {
  TG_TRY(const auto repository, ports_.repository(project));
  TG_TRY(std::string sha, make_commit(*repository, version, base));
  TG_CHECK(point_ref(*repository, "refs/tidegate/probes/" + candidate_name(version), sha));
  return sha;
}

// The diff is the candidate's, so the same jobs are there: from the base to it, or back.
void Diagnoses::make_pipeline(const Version& version, dataset::Probe probe, std::string sha,
                              std::string before) {
  auto names = failed_by_script(ports_.store, version.pipeline);
  if (!names) return trouble(version, names.error());
  PipelineRequest request;
  request.project = version.project;
  request.ref = version.branch;
  request.sha = std::move(sha);
  if (before != request.sha)
    request.before_sha = std::move(before);  // the same where the data is in a variable
  request.version = version.id;
  request.data_source = version.source;
  request.variables = {{"TIDEGATE_CANDIDATE", "true"},
                       {"TIDEGATE_SOURCE", version.source},
                       {"TIDEGATE_VERSION", fmt::format("{}", version.number)},
                       {"TIDEGATE_PROBE", std::string(dataset::to_string(probe))}};
  request.probe = ProbeRequest{probe, std::move(*names)};
  pipelines_.create(std::move(request), [this, version, probe](const Result<Pipeline>& created) {
    if (created) return void(busy_.erase(version.id));
    if (worth_retrying(created.error().code)) return trouble(version, created.error());
    cannot_tell(version, probe, created.error().message);
  });
}

void Diagnoses::cannot_tell(const Version& version, dataset::Probe probe, const std::string& reason) {
  auto record = ports_.store.gate_record(version.id);
  if (!record || !*record) return trouble(version, fail(Errc::kUnavailable, "the store cannot be read"));
  at(**record, probe) = {PipelineId{}, dataset::ProbeResult::kCannotTell, reason};
  if (Status saved = ports_.store.put_gate_record(**record); !saved) return trouble(version, saved.error());
  log::info("data", "{} v{}: probe {}: {}", version.source, version.number, dataset::to_string(probe),
            reason);
  busy_.erase(version.id);
  go_on(version);
}

Result<ProbeRecord> Diagnoses::result_of(const Version& version, const Pipeline& probe) const {
  if (probe.status == JobStatus::kSuccess) return ProbeRecord{probe.id, dataset::ProbeResult::kPassed, ""};
  TG_TRY(const auto before, failed_by_script(ports_.store, version.pipeline));
  TG_TRY(const auto now, failed_by_script(ports_.store, probe.id));
  // Another job's failure says nothing about the one that is looked into.
  const bool same = std::ranges::any_of(
      now, [&](const std::string& name) { return std::ranges::find(before, name) != before.end(); });
  if (same) return ProbeRecord{probe.id, dataset::ProbeResult::kFailed, ""};
  return ProbeRecord{probe.id, dataset::ProbeResult::kCannotTell,
                     fmt::format("pipeline #{} {}, but not by what failed before", probe.id.value(),
                                 pipeline::to_string(probe.status))};
}

void Diagnoses::probe_finished(const Pipeline& pipeline) {
  const auto again = [this, pipeline](const Error& error) {
    log::error("data", "{}; trying again", error.message);
    ports_.loop.post_after(Millis{2000}, [this, pipeline] { probe_finished(pipeline); });
  };
  const auto version = ports_.store.version(pipeline.version);
  auto record = ports_.store.gate_record(pipeline.version);
  if (!version || !record) return again(fail(Errc::kUnavailable, "the store cannot be read"));
  const bool known = *version && *record;
  if (known) {
    const auto mine = std::ranges::find((*record)->probes, pipeline.id, &ProbeRecord::pipeline);
    if (mine != (*record)->probes.end() && mine->result == dataset::ProbeResult::kNotRun) {
      const auto result = result_of(**version, pipeline);
      if (!result) return again(result.error());
      *mine = *result;
      if (Status saved = ports_.store.put_gate_record(**record); !saved) return again(saved.error());
      log::info("data", "{} v{}: probe #{} {}", (*version)->source, (*version)->number, pipeline.id.value(),
                dataset::to_string(result->result));
    }
  }
  if (Status settled = pipelines_.settle(pipeline.id); !settled) return again(settled.error());
  if (known && (*version)->state == VersionState::kDiagnosing) go_on(**version);
}

void Diagnoses::conclude(const Version& version, GateRecord record, const dataset::Conclusion& conclusion) {
  record.verdict = dataset::to_string(conclusion.fault);
  record.verdict_reason = conclusion.reason;
  record.quarantined = conclusion.fault == dataset::Fault::kBadData;
  if (Status saved = ports_.store.put_gate_record(record); !saved) return trouble(version, saved.error());
  busy_.erase(version.id);
  done_(version, record);
}

}  // namespace tidegate::app
