// Gate: from the pipeline's end to the version's.
#include <algorithm>

#include <fmt/core.h>

#include "app/server/candidate_commit.h"
#include "app/server/gate.h"
#include "base/log.h"

namespace tidegate::app {

using dataset::Turn;

void Gate::pipeline_finished(const Pipeline& pipeline) {
  if (pipeline.source == kProbeSource) return diagnoses_.probe_finished(pipeline);
  if (!pipeline.version) return settle_plain(pipeline);
  const auto version = ports_.store.version(pipeline.version);
  if (!version || !*version || (*version)->pipeline != pipeline.id) {
    if (Status settled = pipelines_.settle(pipeline.id); !settled)
      log::error("data", "{}", settled.error().message);
    return;
  }
  // We have ended it ourselves, or a restart: resume() takes it up.
  if ((*version)->state != VersionState::kTesting)
    return ports_.loop.post([this, id = pipeline.version] { advance(id); });
  if (pipeline.status == pipeline::JobStatus::kSuccess) return step(**version, dataset::PipelinePassed{});
  step(**version, dataset::PipelineFailed{verdict(pipeline)});
}

// "job test_train failed: script_failure (exit code 1)": which job, and where its log is.
std::string Gate::verdict(const Pipeline& pipeline) const {
  if (!pipeline.yaml_errors.empty())
    return "the pipeline's configuration is refused: " + pipeline.yaml_errors;
  const auto jobs = ports_.store.jobs(pipeline.id);
  if (jobs) {
    for (const Job& job : *jobs) {
      if (job.state.retried || job.state.allow_failure || job.state.status != pipeline::JobStatus::kFailed)
        continue;
      return fmt::format("job {} (#{}) failed: {}{}", job.state.name, job.state.id.value(),
                         job.state.failure_reason,
                         job.state.exit_code ? fmt::format(", exit code {}", *job.state.exit_code) : "");
    }
  }
  return fmt::format("pipeline #{} {}", pipeline.id.value(), pipeline::to_string(pipeline.status));
}

// Blocking. Done before, by a try that was cut short, is success.
Result<Turn> Gate::move_branch(const Version& version, const Project& project, Turn by_order) const {
  TG_TRY(const auto repository, ports_.repository(project));
  const std::string ref = "refs/heads/" + version.branch;
  TG_TRY(const std::string head, repository->resolve(ref));
  if (head == version.candidate_sha) return in_variable(version) ? by_order : Turn::kNow;
  if (in_variable(version)) return Turn::kStale;
  TG_TRY(const bool contained, repository->is_ancestor(version.candidate_sha, head));
  if (contained || by_order != Turn::kNow) return contained ? Turn::kNow : by_order;
  const Status moved = repository->update_ref({ref, version.base_sha, version.candidate_sha});
  if (!moved && moved.error().code == Errc::kConflict) return Turn::kStale;
  if (!moved) return moved.error();
  return Turn::kNow;
}

Result<Turn> Gate::put_on_branch(const Version& version, const Project& project,
                                 const std::vector<Delivery>& deliveries, Turn by_order) const {
  TG_TRY(const Turn turn, move_branch(version, project, by_order));
  if (turn != Turn::kNow) return turn;
  TG_CHECK(deliveries_.move_latest(project, deliveries, version.candidate_sha));
  TG_TRY(const auto repository, ports_.repository(project));
  TG_CHECK(drop_branch(*repository, version));
  return turn;
}

void Gate::promote(Version version) {
  const auto project = ports_.store.project(version.project);
  const auto made = ports_.store.deliveries_of(version.pipeline);
  if (!project || !*project || !made)
    return retry_later(version, fail(Errc::kUnavailable, "the store cannot be read"));
  const auto train = candidates_.train(version);
  if (!train) return retry_later(version, train.error());
  in_background(
      ports_.workers, ports_.loop,
      [this, version, project = **project, deliveries = *made,
       by_order = dataset::turn_by_order(*train, version.id)] {
        return put_on_branch(version, project, deliveries, by_order);
      },
      [this, version, project = **project](const Result<Turn>& turn) { promoted(version, project, turn); });
}

void Gate::promoted(Version version, const Project& project, const Result<Turn>& turn) {
  if (!turn) return retry_later(version, turn.error());
  if (*turn == Turn::kWait)
    return note(version,
                "all jobs passed; waits for " + candidates_.before(version).value_or("another version"));
  if (*turn == Turn::kStale) return step(version, dataset::BranchMoved{});
  if (Status known =
          ports_.store.set_known_ref(project.id, "refs/heads/" + version.branch, version.candidate_sha);
      !known) {
    return retry_later(version, known.error());
  }
  if (Status settled = pipelines_.settle(version.pipeline); !settled)
    return retry_later(version, settled.error());
  step(version, dataset::Promoted{version.candidate_sha.substr(0, 8), in_variable(version)});
  if (on_promoted_) on_promoted_(project);
}

void Gate::roll_back(Version version) {
  const auto project = ports_.store.project(version.project);
  const auto pipeline = ports_.store.pipeline(version.pipeline);
  const auto made = ports_.store.deliveries_of(version.pipeline);
  if (!project || !*project || !pipeline || !*pipeline || !made) {
    return retry_later(version, fail(Errc::kUnavailable, "the store cannot be read"));
  }
  if (!pipeline::is_completed((*pipeline)->status)) {
    busy_.erase(version.id);  // its end goes on
    if ((*pipeline)->status == pipeline::JobStatus::kCanceling) return;
    if (Status canceled = pipelines_.cancel(version.pipeline); !canceled)
      retry_later(version, canceled.error());
    return;
  }
  in_background(
      ports_.workers, ports_.loop,
      [this, version, project = **project, deliveries = *made]() -> Result<std::string> {
        TG_CHECK(deliveries_.take_back(project, deliveries, version.candidate_sha));
        TG_TRY(const auto repository, ports_.repository(project));
        TG_CHECK(drop_branch(*repository, version));
        return repository->resolve("refs/heads/" + version.branch);
      },
      [this, version, pipeline = **pipeline](const Result<std::string>& head) {
        taken_back(version, pipeline, head);
      });
}

Result<dataset::TakenBack> Gate::what_was_taken_back(const Version& version, const Pipeline& pipeline,
                                                     const std::string& head) const {
  TG_TRY(const auto train, candidates_.train(version));
  TG_TRY(const auto record, ports_.store.gate_record(version.id));
  const bool ours = record && record->ended == pipeline.id;
  dataset::TakenBack out;
  out.passed = pipeline.status == pipeline::JobStatus::kSuccess || (ours && record->overtaken);
  out.stale = out.passed || dataset::base_of(train, version.id, head) != version.base_sha;
  out.canceled = pipeline.status == pipeline::JobStatus::kCanceled && !ours;
  out.reason = ours ? record->ended_why : verdict(pipeline);
  if (ours && !record->overtaken) {
    out.stale = false;  // too long is too long, on whatever base
  } else if (!out.stale && !out.canceled) {
    TG_TRY(const auto why_not, diagnoses_.why_not(version, pipeline));
    out.diagnose = !why_not;
    if (why_not) TG_CHECK(without_diagnosis(version, pipeline, *why_not));
  }
  return out;
}

// A configuration that is refused is the code's: the data is a literal in it.
Status Gate::without_diagnosis(const Version& version, const Pipeline& pipeline,
                               const std::string& why) const {
  TG_TRY(auto found, ports_.store.gate_record(version.id));
  GateRecord record = found.value_or(GateRecord{});
  if (!record.verdict.empty()) return {};
  record.version = version.id;
  record.project = version.project;
  record.source = version.source;
  const bool broken = !pipeline.yaml_errors.empty();
  record.verdict = dataset::to_string(broken ? dataset::Fault::kBadCode : dataset::Fault::kUnknown);
  record.verdict_reason = broken ? "the pipeline's configuration is refused" : "not looked into: " + why;
  return ports_.store.put_gate_record(record);
}

void Gate::taken_back(Version version, const Pipeline& pipeline, const Result<std::string>& head) {
  if (!head) return retry_later(version, head.error());
  const auto event = what_was_taken_back(version, pipeline, *head);
  if (!event) return retry_later(version, event.error());
  if (Status settled = pipelines_.settle(pipeline.id); !settled) return retry_later(version, settled.error());
  step(version, *event);
}

void Gate::diagnose(const Version& version) {
  busy_.erase(version.id);
  diagnoses_.go_on(version);
}

// A flaky version goes once more only while no newer one of its source has come: old data must not replace
// new data.
Result<bool> Gate::is_newest(const Version& version) const {
  TG_TRY(const auto versions, ports_.store.versions(version.project, version.source, 200));
  return std::ranges::none_of(versions, [&](const Version& other) {
    return other.id > version.id &&
           (other.state == VersionState::kLive || dataset::is_under_way(other.state));
  });
}

void Gate::diagnosed(const Version& version, const GateRecord& record) {
  const auto settings = candidates_.settings(version.project, version.source);
  const auto newest = is_newest(version);
  if (!newest) return retry_later(version, newest.error());
  const bool flaky = record.verdict == dataset::to_string(dataset::Fault::kFlaky);
  dataset::Diagnosed event;
  event.again = flaky && settings && settings->retry_flaky && *newest;
  const auto pipeline = ports_.store.pipeline(version.pipeline);
  const std::string failed = pipeline && *pipeline ? verdict(**pipeline) : std::string("its pipeline failed");
  event.reason = fmt::format("{}; {}: {}", failed, record.verdict, record.verdict_reason);
  step(version, event);
}

// A pipeline without new data: its branch has moved already; `latest` follows, or what it released is taken
// back.
void Gate::settle_plain(const Pipeline& pipeline) {
  const auto project = ports_.store.project(pipeline.project);
  const auto made = ports_.store.deliveries_of(pipeline.id);
  if (!project || !*project || !made) return;
  const bool good = pipeline.status == pipeline::JobStatus::kSuccess;
  const bool leads = !pipeline.is_tag && pipeline.ref == (*project)->default_branch;
  in_background(
      ports_.workers, ports_.loop,
      [this, pipeline, project = **project, deliveries = *made, good, leads]() -> Status {
        if (!good) return deliveries_.take_back(project, deliveries, pipeline.sha);
        return leads ? deliveries_.move_latest(project, deliveries, pipeline.sha) : Status{};
      },
      [this, pipeline](const Status& status) {
        if (!status) {
          log::warn("pipeline", "#{}: {}; trying again", pipeline.id.value(), status.error().message);
          ports_.loop.post_after(Millis{5000}, [this, pipeline] { settle_plain(pipeline); });
        } else if (Status settled = pipelines_.settle(pipeline.id); !settled) {
          log::error("pipeline", "{}", settled.error().message);
        }
      });
}

}  // namespace tidegate::app
