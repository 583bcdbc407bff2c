#include "pipeline/machine.h"

#include <algorithm>
#include <utility>

#include "pipeline/auto_retry.h"
#include "pipeline/follow.h"
#include "pipeline/processing.h"
#include "pipeline/transitions.h"

namespace tidegate::pipeline {
namespace {

using enum JobStatus;

class Machine {
 public:
  explicit Machine(State& state) : state_(state) {}

  std::vector<Effect> run(const Event& event) {
    const bool moved = std::visit([this](const auto& e) { return on(e); }, event);
    if (moved) Processing(state_, moves_).run();
    return std::move(effects_);
  }

 private:
  // --- events: true when something changed
  // -------------------------------------------------------------------

  bool on(const Started&) { return !state_.jobs.empty() || state_.status == kCreated; }

  bool on(const JobPicked& event) {
    JobState* job = find_with_script(event.job);
    if (job == nullptr || job->status != kPending) return false;
    moves_.set(*job, kRunning);
    return true;
  }

  bool on(const JobSucceeded& event) {
    JobState* job = find_with_script(event.job);
    if (job == nullptr) return false;
    if (job->status == kCanceling) {
      moves_.set(*job, kCanceled);
    } else if (job->status == kRunning || is_waiting(job->status)) {
      moves_.set(*job, kSuccess);
    } else {
      return false;
    }
    return true;
  }

  bool on(const JobFailed& event) {
    JobState* job = find(event.job);
    if (job == nullptr) return false;
    if (job->status == kCanceling) {
      moves_.set(*job, kCanceled);
      return true;
    }
    if (job->status != kRunning && job->status != kScheduled && !is_waiting(job->status)) return false;
    job->failure_reason = event.reason;
    job->exit_code = event.exit_code;
    const auto& codes = job->allow_failure_codes;
    if (event.exit_code && std::ranges::find(codes, *event.exit_code) != codes.end()) {
      job->allow_failure = true;
    }
    moves_.set(*job, kFailed);
    if (job->attempt < max_retries(*job)) {
      job->retry_due = true;
      moves_.note(RetryJob{job->id});
    } else if (!job->allow_failure && state_.on_job_failure == config::OnJobFailure::kAll) {
      cancel_all(true);
    }
    return true;
  }

  bool on(const JobRequeued& event) {
    JobState* job = find_with_script(event.job);
    if (job == nullptr) return false;
    if (job->status == kCanceling) {
      moves_.set(*job, kCanceled);  // nobody is left who could end it
    } else if (job->status == kRunning) {
      moves_.offer(*job);  // what it holds of its resource group, it keeps
    } else {
      return false;
    }
    return true;
  }

  bool on(const JobPlayed& event) {
    JobState* job = find(event.job);
    if (job == nullptr || (job->status != kManual && job->status != kScheduled)) return false;
    if (job->linked) return false;  // it mirrors: what waits for somebody is a job of the other pipeline
    moves_.enqueue(*job);
    reset_skipped_after(state_, *job, moves_);
    return true;
  }

  bool on(const JobDue& event) {
    JobState* job = find(event.job);
    if (job == nullptr || job->status != kScheduled) return false;
    moves_.enqueue(*job);
    return true;
  }

  bool on(const JobCanceled& event) {
    JobState* job = find(event.job);
    return job != nullptr && moves_.cancel(*job, event.runner_cancels_gracefully);
  }

  bool on(const JobRetried& event) {
    JobState* job = find(event.job);
    if (job == nullptr || !event.new_id || find_any(event.new_id) != nullptr) return false;
    if (job->status != kSuccess && job->status != kFailed && job->status != kCanceled) return false;
    JobState clone = *job;
    clone.id = event.new_id;
    clone.status = kCreated;
    clone.attempt += 1;
    clone.failure_reason.clear();
    clone.exit_code.reset();
    clone.retry_due = false;
    clone.linked = false;
    clone.starts_when_ready = clone.when == config::When::kManual || clone.when == config::When::kDelayed;
    if (!clone.allow_failure_codes.empty()) clone.allow_failure = false;
    job->retried = true;
    job->retry_due = false;
    const auto place = state_.jobs.begin() + (job - state_.jobs.data()) + 1;
    reset_skipped_after(state_, *state_.jobs.insert(place, std::move(clone)), moves_);
    return true;
  }

  bool on(const PipelineCanceled& event) { return cancel_all(event.runner_cancels_gracefully); }

  bool on(const ResourceAssigned& event) {
    JobState* job = find(event.job);
    if (job == nullptr || job->status != kWaitingForResource) return false;
    moves_.offer(*job);
    return true;
  }

  /// Source: app/services/ci/pipeline_creation/cancel_redundant_pipelines_service.rb. A pipeline that waits
  /// for a person is left alone.
  bool on(const NewCommit& event) {
    if (is_completed(state_.status) || state_.status == kManual) return false;
    switch (event.mode) {
      case config::OnNewCommit::kNone:
        return false;
      case config::OnNewCommit::kConservative:
        return std::ranges::none_of(state_.jobs, keeps_the_pipeline) && cancel_all(true);
      case config::OnNewCommit::kInterruptible:
        return cancel_interruptible();
    }
    return false;
  }

  // --- cancelling
  // ------------------------------------------------------------------------------------------

  bool cancel_all(bool gracefully) {
    bool moved = false;
    for (auto& job : state_.jobs) {
      if (job.retried || (job.status == kManual && job.allow_failure)) continue;
      moved = moves_.cancel(job, gracefully) || moved;
    }
    return moved;
  }

  bool cancel_interruptible() {
    bool moved = false;
    for (auto& job : state_.jobs) {
      if (job.retried || !job.interruptible || job.status == kManual) continue;
      moved = moves_.cancel(job, true) || moved;
    }
    return moved;
  }

  /// It has begun, and may not be interrupted.
  static bool keeps_the_pipeline(const JobState& job) {
    const bool begun =
        job.status == kRunning || job.status == kCanceling || job.status == kSuccess || job.status == kFailed;
    return begun && !job.interruptible;
  }

  // --- bridges
  // -----------------------------------------------------------------------------------------------

  bool on(const BridgeLinked& event) {
    JobState* job = find(event.job);
    if (job == nullptr || job->bridge == BridgeKind::kNone || job->status != kPending) return false;
    job->linked = true;
    moves_.set(*job, kRunning);
    if (job->strategy == config::TriggerStrategy::kNone) moves_.set(*job, kSuccess);
    return true;
  }

  bool on(const BridgeMoved& event) {
    JobState* job = find(event.job);
    const bool follows = job != nullptr && job->linked && job->strategy != config::TriggerStrategy::kNone;
    return follows && follow(*job, event, moves_, state_);
  }

  // --- lookup
  // ------------------------------------------------------------------------------------------------

  JobState* find_any(JobId id) {
    const auto found = std::ranges::find(state_.jobs, id, &JobState::id);
    return found == state_.jobs.end() ? nullptr : &*found;
  }

  /// The job, unless a newer one has taken its place.
  JobState* find(JobId id) {
    JobState* job = find_any(id);
    return job == nullptr || job->retried ? nullptr : job;
  }

  /// The same, unless it is a bridge: runners have nothing to say about those.
  JobState* find_with_script(JobId id) {
    JobState* job = find(id);
    return job == nullptr || job->bridge != BridgeKind::kNone ? nullptr : job;
  }

  State& state_;
  std::vector<Effect> effects_;
  Transitions moves_{effects_};
};

}  // namespace

std::vector<Effect> apply(State& state, const Event& event) {
  return Machine(state).run(event);
}

std::vector<Effect> pending_effects(const State& state) {
  std::vector<Effect> effects;
  for (const auto& job : state.jobs) {
    if (job.retried) continue;
    if (job.status == kPending && job.bridge == BridgeKind::kNone) effects.emplace_back(EnqueueJob{job.id});
    if (job.status == kPending && job.bridge != BridgeKind::kNone) effects.emplace_back(StartBridge{job.id});
    if (job.status == kWaitingForResource) effects.emplace_back(RequestResource{job.id});
    if (job.status == kScheduled)
      effects.emplace_back(ScheduleJob{job.id, job.start_in.value_or(Seconds{0})});
    if (job.status == kCanceling) effects.emplace_back(SignalCancel{job.id});
    if (job.retry_due) effects.emplace_back(RetryJob{job.id});
  }
  return effects;
}

}  // namespace tidegate::pipeline
