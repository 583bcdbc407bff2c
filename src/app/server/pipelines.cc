// Pipelines under way: events in, stored changes and effects out.
#include "app/server/pipelines.h"

#include <algorithm>

#include <fmt/core.h>

#include "app/server/deployments.h"
#include "app/server/family.h"
#include "app/server/id_token_claims.h"
#include "base/log.h"
#include "base/sha256.h"
#include "base/text.h"

namespace tidegate::app {
namespace {

using pipeline::JobStatus;

bool waits_for_runner(JobStatus status) {
  return status == JobStatus::kPending;
}

// The times of a job's life follow from its transitions.
void stamp(Job& job, JobStatus to, Instant now) {
  if (to == JobStatus::kPending) {
    job.queued_at = now;
    job.runner.clear();
  }
  if (to == JobStatus::kRunning) job.started_at = now;
  if (to == JobStatus::kScheduled) job.due_at = now + job.state.start_in.value_or(Seconds{0});
  if (pipeline::is_completed(to) && to != JobStatus::kSkipped) job.finished_at = now;
  if (to == JobStatus::kCreated) {
    job.started_at.reset();
    job.finished_at.reset();
  }
}

}  // namespace

Result<Pipelines::Active*> Pipelines::active(PipelineId id) {
  if (const auto found = active_.find(id); found != active_.end()) return &found->second;
  TG_TRY(const auto record, ports_.store.pipeline(id));
  if (!record) return fail(Errc::kNotFound, fmt::format("no such pipeline: {}", id.value()));
  TG_TRY(auto jobs, ports_.store.jobs(id));
  Active loaded{*record, std::move(jobs), {}};
  for (const Job& job : loaded.jobs) loaded.state.jobs.push_back(job.state);
  loaded.state.status = record->status;
  loaded.state.on_job_failure = record->on_job_failure;
  return &active_.insert_or_assign(id, std::move(loaded)).first->second;
}

Job* Pipelines::find(Active& active, JobId id) {
  const auto found = std::ranges::find_if(active.jobs, [&](const Job& job) { return job.state.id == id; });
  return found == active.jobs.end() ? nullptr : &*found;
}

Status Pipelines::apply(Active& active, const pipeline::Event& event) {
  return change(active, [&] { return Result<pipeline::Event>(event); });
}

Status Pipelines::change(Active& active, const std::function<Result<pipeline::Event>()>& make) {
  pipeline::State next = active.state;
  std::vector<pipeline::Effect> effects;
  const auto save = [&]() -> Status {
    TG_TRY(const pipeline::Event event, make());
    effects = pipeline::apply(next, event);
    return save_changes(active, next);
  };
  if (Status saved = ports_.store.transaction(save); !saved) {
    // What is in memory may be ahead of the store now: forget it, the next use reads the store.
    active_.erase(active.record.id);
    return saved;
  }
  const PipelineId id = active.record.id;
  const JobStatus before = active.state.status;
  const JobStatus now = next.status;
  active.state = std::move(next);
  perform(active, effects);
  if (now != before) tell_followers(id, before, now);
  return {};
}

Status Pipelines::save_changes(Active& active, const pipeline::State& next) {
  const Instant now = ports_.clock.now();
  for (const pipeline::JobState& state : next.jobs) {
    Job* job = find(active, state.id);
    if (job == nullptr) return fail(Errc::kInternal, fmt::format("job {} is not stored", state.id.value()));
    if (job->state == state) continue;
    Job changed = *job;
    const bool moved = changed.state.status != state.status;
    if (moved) stamp(changed, state.status, now);
    changed.state = state;
    TG_CHECK(ports_.store.save_job(changed));
    if (moved) TG_CHECK(record_deployment(ports_.store, changed, active.record, now));
    *job = std::move(changed);
  }
  Pipeline& record = active.record;
  if (record.status == next.status) return {};
  record.status = next.status;
  if (next.status == JobStatus::kRunning && !record.started_at) record.started_at = now;
  record.finished_at = pipeline::is_completed(next.status) ? std::optional(now) : std::nullopt;
  if (!pipeline::is_completed(next.status)) record.settled = false;
  return ports_.store.save_pipeline(record);
}

void Pipelines::perform(Active& active, const std::vector<pipeline::Effect>& effects) {
  const PipelineId id = active.record.id;
  bool pending = false;
  std::optional<Pipeline> finished;
  std::vector<JobId> retries;
  for (const pipeline::Effect& effect : effects) {
    if (const auto* enqueue = std::get_if<pipeline::EnqueueJob>(&effect)) {
      queue_.emplace(std::pair(ports_.clock.now(), enqueue->job), id);
      pending = true;
    } else if (const auto* schedule = std::get_if<pipeline::ScheduleJob>(&effect)) {
      const JobId job = schedule->job;
      ports_.loop.post_after(delay_left(active, *schedule),
                             [this, id, job] { send(id, pipeline::JobDue{job}); });
    } else if (const auto* bridge = std::get_if<pipeline::StartBridge>(&effect)) {
      const JobId job = bridge->job;
      ports_.loop.post([this, id, job] { start_bridge(id, job); });
    } else if (const auto* cancel = std::get_if<pipeline::SignalCancel>(&effect)) {
      const JobId job = cancel->job;
      const Job* found = find(active, job);
      if (found != nullptr && found->bridge) {
        ports_.loop.post([this, job] { cancel_child(job); });
      } else if (cancel_) {
        cancel_(job);
      }
    } else if (const auto* retry = std::get_if<pipeline::RetryJob>(&effect)) {
      retries.push_back(retry->job);
    } else if (std::holds_alternative<pipeline::PipelineFinished>(effect)) {
      finished = active.record;
    }
  }
  assign_soon(active, effects);
  for (const JobId job : retries) retry_when_possible(id, job);
  if (pending && pending_) pending_();
  if (finished) {
    log::info("pipeline", "#{} {}", id.value(), pipeline::to_string(finished->status));
    tell_end(*finished);
  }
}

// A full disk must lose no event: it is sent again until the store takes it.
void Pipelines::send(PipelineId id, const pipeline::Event& event) {
  const auto found = active(id);
  const Status status = found ? apply(**found, event) : Status(found.error());
  if (status || (!found && found.error().code == Errc::kNotFound)) return;
  log::error("pipeline", "#{}: {}; trying again", id.value(), status.error().message);
  ports_.loop.post_after(kTryAgain, [this, id, event] { send(id, event); });
}

void Pipelines::retry_when_possible(PipelineId id, JobId job) {
  const auto found = active(id);
  const auto again = found ? clone(**found, job) : Result<JobId>(found.error());
  if (again || again.error().code == Errc::kNotFound) return;
  log::error("pipeline", "retry of job {}: {}; trying again", job.value(), again.error().message);
  ports_.loop.post_after(kTryAgain, [this, id, job] { retry_when_possible(id, job); });
}

// After a restart a delayed job waits only for what is left of its delay.
Millis Pipelines::delay_left(Active& active, const pipeline::ScheduleJob& schedule) {
  const Job* job = find(active, schedule.job);
  if (job == nullptr || !job->due_at) return schedule.delay;
  return std::max(Millis{0}, *job->due_at - ports_.clock.now());
}

Result<JobId> Pipelines::clone(Active& active, JobId id) {
  const Job* old = find(active, id);
  if (old == nullptr) return fail(Errc::kNotFound, fmt::format("no such job: {}", id.value()));
  Job fresh = *old;
  fresh.state.status = JobStatus::kCreated;
  fresh.state.failure_reason.clear();
  fresh.state.exit_code.reset();
  fresh.state.retried = false;
  fresh.runner.clear();
  fresh.coverage.reset();
  fresh.log_sha256.clear();
  fresh.created_at = ports_.clock.now();
  fresh.queued_at = fresh.started_at = fresh.finished_at = fresh.due_at = std::nullopt;
  fresh.downstream = PipelineId{};
  fresh.message.token = Secret("tgjob-" + random_hex(20));
  // One transaction, or a crash in between would leave a job that nobody asked for.
  TG_CHECK(change(active, [&]() -> Result<pipeline::Event> {
    TG_CHECK(ports_.store.add_job(fresh));
    active.jobs.push_back(fresh);
    return pipeline::JobRetried{id, fresh.state.id};
  }));
  return fresh.state.id;
}

Result<std::optional<Job>> Pipelines::take(const std::string& runner, const Accepts& accepts) {
  for (auto at = queue_.begin(); at != queue_.end();) {
    const auto [key, pipeline] = *at;
    TG_TRY(Active * active, this->active(pipeline));
    Job* job = find(*active, key.second);
    if (job == nullptr || !waits_for_runner(job->state.status)) {
      at = queue_.erase(at);
      continue;
    }
    if (!accepts(job->message.tags)) {
      if (unmatched_.insert(key.second).second)
        log::warn("runner", "job #{} waits: no runner has all of its tags ({})", key.second.value(),
                  join(job->message.tags, ", "));
      ++at;
      continue;
    }
    TG_TRY(const bool may, may_start_ ? may_start_((*active).record, *job) : Result<bool>(true));
    if (!may) {
      ++at;
      continue;
    }
    queue_.erase(at);
    job->runner = runner;
    if (Status picked = apply(*active, pipeline::JobPicked{key.second}); !picked) {
      queue_.emplace(key, pipeline);  // it keeps its place until the store takes it
      return picked.error();
    }
    unmatched_.erase(key.second);
    Job taken = *find(*active, key.second);
    if (Status complete = complete_message(*active, taken); !complete) {
      const bool missing = complete.error().code == Errc::kNotFound;
      if (missing) note(key.second, complete.error().message);
      send(pipeline, pipeline::JobFailed{
                         key.second, missing ? "missing_dependency_failure" : "data_integrity_failure", {}});
      log::error("pipeline", "job {}: {}", key.second.value(), complete.error().message);
      at = queue_.begin();
      continue;
    }
    return std::optional(std::move(taken));
  }
  return std::optional<Job>();
}

Status Pipelines::complete_message(Active& active, Job& job, pipeline::JobVariables* reported) {
  pipeline::JobMessage& message = job.message;
  message.pipeline_id = active.record.id.value();
  const auto number = [](std::int64_t value) { return fmt::format("{}", value); };
  pipeline::JobVariables first{
      {"CI_PIPELINE_ID", number(active.record.id.value())},
      {"CI_PIPELINE_IID", number(active.record.iid)},
      {"CI_PIPELINE_URL", fmt::format("{}/api/v4/projects/{}/pipelines/{}", ports_.settings.external_url,
                                      job.project.value(), active.record.id.value())},
      {"CI_PIPELINE_CREATED_AT", format_iso8601(active.record.created_at)},
      {"CI_JOB_ID", number(job.state.id.value())},
      {"CI_JOB_URL", fmt::format("{}/api/v4/projects/{}/jobs/{}", ports_.settings.external_url,
                                 job.project.value(), job.state.id.value())},
      {"CI_JOB_STARTED_AT", format_iso8601(ports_.clock.now())},
      {"CI_JOB_TOKEN", message.token.reveal(), false, true},
  };
  message.variables.insert(message.variables.begin(), first.begin(), first.end());
  for (pipeline::JobDependency& dependency : message.dependencies) {
    for (const Job& other : active.jobs) {
      if (other.state.name != dependency.name || other.state.retried) continue;
      TG_CHECK(give(other, dependency, message, reported));
    }
  }
  TG_CHECK(add_elsewhere(job, message, reported));
  return add_id_tokens(active.record, job);
}

// Signed when the job starts, so that a token that waited in the queue is not old.
Status Pipelines::add_id_tokens(const Pipeline& record, Job& job) {
  if (job.options.id_tokens.empty()) return {};
  if (ports_.id_tokens == nullptr) return fail(Errc::kEnvironment, "this server signs no id tokens");
  TG_TRY(const bool untrusted, is_untrusted(ports_.store, record.id));
  IdTokenSubject subject;
  subject.issuer = ports_.settings.external_url;
  subject.project_path = job.message.project_path;
  subject.ref = record.ref;
  subject.is_tag = record.is_tag;
  subject.is_candidate = untrusted;
  subject.ref_protected = job.message.may_have_secrets;
  subject.pipeline_source = record.source;
  subject.sha = record.sha;
  subject.project = job.project.value();
  subject.pipeline = record.id.value();
  subject.job = job.state.id.value();
  subject.environment = job.environment;
  subject.now = ports_.clock.now();
  subject.job_timeout = job.message.timeout;
  return append_id_tokens(*ports_.id_tokens, subject, job.options.id_tokens, job.message.variables);
}

void Pipelines::finish(JobId id, const JobOutcome& outcome) {
  const auto job = ports_.store.job(id);
  if (!job) {
    log::error("pipeline", "job {}: {}; trying again", id.value(), job.error().message);
    ports_.loop.post_after(kTryAgain, [this, id, outcome] { finish(id, outcome); });
    return;
  }
  if (!*job) return;
  if (const auto found = active((*job)->pipeline)) {
    if (Job* kept = find(**found, id)) {  // stored with its end
      if (outcome.coverage) kept->coverage = outcome.coverage;
      kept->log_sha256 = outcome.log_sha256;
    }
  }
  if (outcome.success) {
    send((*job)->pipeline, pipeline::JobSucceeded{id});
  } else {
    send((*job)->pipeline, pipeline::JobFailed{id, outcome.failure_reason, outcome.exit_code});
  }
}

Status Pipelines::cancel(PipelineId id) {
  TG_TRY(Active * active, this->active(id));
  TG_CHECK(apply(*active, pipeline::PipelineCanceled{}));
  return cancel_children(id);
}

Status Pipelines::cancel_job(JobId id) {
  TG_TRY(const auto job, ports_.store.job(id));
  if (!job) return fail(Errc::kNotFound, "no such job");
  TG_TRY(Active * active, this->active(job->pipeline));
  return apply(*active, pipeline::JobCanceled{id});
}

Status Pipelines::play(JobId id) {
  TG_TRY(const auto job, ports_.store.job(id));
  if (!job) return fail(Errc::kNotFound, "no such job");
  if (job->state.status != JobStatus::kManual) return fail(Errc::kConflict, "Unplayable Job");
  TG_TRY(Active * active, this->active(job->pipeline));
  return apply(*active, pipeline::JobPlayed{id});
}

Result<JobId> Pipelines::retry_job(JobId id) {
  TG_TRY(const auto job, ports_.store.job(id));
  if (!job) return fail(Errc::kNotFound, "no such job");
  const JobStatus status = job->state.status;
  const bool over =
      status == JobStatus::kSuccess || status == JobStatus::kFailed || status == JobStatus::kCanceled;
  if (!over || job->state.retried) return fail(Errc::kConflict, "Job is not retryable");
  if (job->state.failure_reason == "pipeline_loop_detected" ||
      job->state.failure_reason == "reached_max_descendant_pipelines_depth") {
    return fail(Errc::kConflict, "Job is not retryable: " + job->state.failure_reason);
  }
  TG_TRY(Active * active, this->active(job->pipeline));
  // A candidate was discarded when its pipeline failed; what would be retried is no longer on its way to
  // main.
  TG_TRY(const auto head, head_of(ports_.store, job->pipeline));
  if (head.version && head.settled) {
    return fail(Errc::kConflict,
                "this pipeline tested a data candidate that has been decided; put the object again");
  }
  return clone(*active, id);
}

Status Pipelines::retry(PipelineId id) {
  TG_TRY(Active * active, this->active(id));
  std::vector<JobId> again;
  for (const pipeline::JobState& job : active->state.jobs) {
    if (!job.retried && (job.status == JobStatus::kFailed || job.status == JobStatus::kCanceled))
      again.push_back(job.id);
  }
  for (const JobId job : again) TG_CHECK(retry_job(job));
  return {};
}

}  // namespace tidegate::app
