#include "pipeline/machine.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "pipeline/status_set.h"

namespace tidegate::pipeline {
namespace {

using enum JobStatus;

constexpr std::array<std::string_view, 13> kNames = {"created",   "waiting_for_resource",
                                                     "preparing", "waiting_for_callback",
                                                     "pending",   "running",
                                                     "success",   "failed",
                                                     "canceling", "canceled",
                                                     "skipped",   "manual",
                                                     "scheduled"};

/// GitLab's automatic retries by reason where `retry` says nothing, and reasons that are never worth one.
/// Source: lib/gitlab/ci/build/auto_retry.rb.
constexpr std::string_view kRetriedByDefault = "scheduler_failure";
constexpr int kDefaultRetries = 2;
constexpr std::array<std::string_view, 5> kNeverRetried = {
    "ci_quota_exceeded", "no_matching_runner", "missing_dependency_failure", "forward_deployment_failure",
    "environment_creation_failure"};

int max_retries(const JobState& job) {
  if (std::ranges::find(kNeverRetried, job.failure_reason) != kNeverRetried.end()) return 0;
  const auto asks_for = [&](std::string_view reason) {
    return std::ranges::find(job.retry_when, reason) != job.retry_when.end();
  };
  const bool unconditional = job.retry_when.empty() && job.retry_codes.empty();
  const bool by_code =
      job.exit_code && std::ranges::find(job.retry_codes, *job.exit_code) != job.retry_codes.end();
  if (job.retry_max > 0 && (unconditional || asks_for("always") || asks_for(job.failure_reason) || by_code)) {
    return job.retry_max;
  }
  return job.failure_reason == kRetriedByDefault ? kDefaultRetries : 0;
}

/// A job that waits to run, or waits for time or resources: not yet at a runner, not yet over.
bool is_waiting(JobStatus status) {
  return status == kWaitingForResource || status == kPreparing || status == kWaitingForCallback ||
         status == kPending;
}

/// The statuses of what stands before a job that let it start.
bool lets_start(const JobState& job, JobStatus before) {
  switch (job.when) {
    case config::When::kOnSuccess:
    case config::When::kManual:
    case config::When::kDelayed:
      return before == kSuccess || (before == kSkipped && !job.needs);
    case config::When::kOnFailure:
      return before == kFailed;
    case config::When::kAlways:
      return before == kSuccess || before == kFailed || before == kSkipped;
    case config::When::kNever:
      return false;
  }
  return false;
}

class Machine {
 public:
  explicit Machine(State& state) : state_(state) {}

  std::vector<Effect> run(const Event& event) {
    const bool moved = std::visit([this](const auto& e) { return on(e); }, event);
    if (moved) process();
    return std::move(effects_);
  }

 private:
  // --- events: true when something changed
  // -------------------------------------------------------------------

  bool on(const Started&) { return !state_.jobs.empty() || state_.status == kCreated; }

  bool on(const JobPicked& event) {
    JobState* job = find(event.job);
    if (job == nullptr || job->status != kPending) return false;
    set(*job, kRunning);
    return true;
  }

  bool on(const JobSucceeded& event) {
    JobState* job = find(event.job);
    if (job == nullptr) return false;
    if (job->status == kCanceling) {
      set(*job, kCanceled);
    } else if (job->status == kRunning || is_waiting(job->status)) {
      set(*job, kSuccess);
    } else {
      return false;
    }
    return true;
  }

  bool on(const JobFailed& event) {
    JobState* job = find(event.job);
    if (job == nullptr) return false;
    if (job->status == kCanceling) {
      set(*job, kCanceled);
      return true;
    }
    if (job->status != kRunning && job->status != kScheduled && !is_waiting(job->status)) return false;
    job->failure_reason = event.reason;
    job->exit_code = event.exit_code;
    const auto& codes = job->allow_failure_codes;
    if (event.exit_code && std::ranges::find(codes, *event.exit_code) != codes.end()) {
      job->allow_failure = true;
    }
    set(*job, kFailed);
    if (job->attempt < max_retries(*job)) {
      job->retry_due = true;
      effects_.emplace_back(RetryJob{job->id});
    }
    return true;
  }

  bool on(const JobRequeued& event) {
    JobState* job = find(event.job);
    if (job == nullptr) return false;
    if (job->status == kCanceling) {
      set(*job, kCanceled);  // nobody is left who could end it
    } else if (job->status == kRunning) {
      enqueue(*job);
    } else {
      return false;
    }
    return true;
  }

  bool on(const JobPlayed& event) {
    JobState* job = find(event.job);
    if (job == nullptr || (job->status != kManual && job->status != kScheduled)) return false;
    enqueue(*job);
    reset_skipped_after(*job);
    return true;
  }

  bool on(const JobDue& event) {
    JobState* job = find(event.job);
    if (job == nullptr || job->status != kScheduled) return false;
    enqueue(*job);
    return true;
  }

  bool on(const JobCanceled& event) {
    JobState* job = find(event.job);
    return job != nullptr && cancel(*job, event.runner_cancels_gracefully);
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
    clone.starts_when_ready = clone.when == config::When::kManual || clone.when == config::When::kDelayed;
    if (!clone.allow_failure_codes.empty()) clone.allow_failure = false;
    job->retried = true;
    job->retry_due = false;
    const auto place = state_.jobs.begin() + (job - state_.jobs.data()) + 1;
    reset_skipped_after(*state_.jobs.insert(place, std::move(clone)));
    return true;
  }

  bool on(const PipelineCanceled& event) {
    bool moved = false;
    for (auto& job : state_.jobs) {
      if (job.retried || (job.status == kManual && job.allow_failure)) continue;
      moved = cancel(job, event.runner_cancels_gracefully) || moved;
    }
    return moved;
  }

  // --- transitions
  // -------------------------------------------------------------------------------------------

  void set(JobState& job, JobStatus to) {
    effects_.emplace_back(StatusChanged{job.id, job.status, to});
    job.status = to;
  }

  void enqueue(JobState& job) {
    set(job, kPending);
    effects_.emplace_back(EnqueueJob{job.id});
  }

  bool cancel(JobState& job, bool gracefully) {
    if (job.status == kRunning) {
      set(job, gracefully ? kCanceling : kCanceled);
      effects_.emplace_back(SignalCancel{job.id});
    } else if (job.status == kCanceling && !gracefully) {
      set(job, kCanceled);
    } else if (job.status == kCreated || job.status == kScheduled || job.status == kManual ||
               is_waiting(job.status)) {
      set(job, kCanceled);
    } else if (job.retry_due) {
      job.retry_due = false;  // it stays failed, and is not tried again
    } else {
      return false;
    }
    return true;
  }

  void start(JobState& job) {
    if (job.starts_when_ready) {
      enqueue(job);
    } else if (job.when == config::When::kDelayed) {
      set(job, kScheduled);
      effects_.emplace_back(ScheduleJob{job.id, job.start_in.value_or(Seconds{0})});
    } else if (job.when == config::When::kManual) {
      set(job, kManual);
    } else {
      enqueue(job);
    }
  }

  /// Skipped jobs that a job's new life may wake: those in later stages and those that need it, also through
  /// others. Source: app/services/ci/reset_skipped_jobs_service.rb.
  void reset_skipped_after(const JobState& base) {
    std::unordered_map<std::string_view, std::vector<std::size_t>> needed_by;
    for (std::size_t i = 0; i < state_.jobs.size(); ++i) {
      const auto& job = state_.jobs[i];
      if (job.retried || !job.needs) continue;
      for (const auto& need : *job.needs) needed_by[need].push_back(i);
    }
    std::unordered_set<std::size_t> descendants;
    std::vector<std::string_view> todo = {base.name};
    while (!todo.empty()) {
      const auto found = needed_by.find(todo.back());
      todo.pop_back();
      if (found == needed_by.end()) continue;
      for (const auto i : found->second) {
        if (descendants.insert(i).second) todo.emplace_back(state_.jobs[i].name);
      }
    }
    for (std::size_t i = 0; i < state_.jobs.size(); ++i) {
      auto& job = state_.jobs[i];
      if (job.retried || job.status != kSkipped) continue;
      if (job.stage > base.stage || descendants.contains(i)) set(job, kCreated);
    }
  }

  // --- processing: app/services/ci/pipeline_processing
  // -------------------------------------------------------

  /// One walk in the order of stages, within a stage in the order of needs. Nothing depends on what comes
  /// later, so after one walk there is nothing left to do.
  void process() {
    StatusSet before;
    const std::size_t count = state_.jobs.size();
    for (std::size_t begin = 0; begin < count;) {
      std::size_t end = begin;
      while (end < count && state_.jobs[end].stage == state_.jobs[begin].stage) ++end;
      for (const auto i : created_in_order(begin, end)) update(state_.jobs[i], before);
      for (std::size_t i = begin; i < end; ++i) {
        if (!state_.jobs[i].retried) before.add(state_.jobs[i]);
      }
      begin = end;
    }
    const JobStatus status = before.composite(false).value_or(kSuccess);
    if (is_completed(status) && status != state_.status) effects_.emplace_back(PipelineFinished{status});
    state_.status = status;
  }

  void update(JobState& job, StatusSet earlier_stages) {
    StatusSet before = earlier_stages;
    if (job.needs) {
      before = {};
      for (const auto& need : *job.needs) {
        const auto found = by_name().find(need);
        if (found != by_name().end()) before.add(state_.jobs[found->second]);
      }
    }
    const JobStatus status = before.composite(job.needs.has_value()).value_or(kSuccess);
    if (!is_completed(status)) return;
    if (lets_start(job, status)) {
      start(job);
    } else {
      set(job, kSkipped);
    }
  }

  /// Jobs of one stage that are still `created`, each after those of its needs that are in the same stage.
  std::vector<std::size_t> created_in_order(std::size_t begin, std::size_t end) const {
    std::vector<std::size_t> plain;
    std::unordered_map<std::string_view, std::size_t> names;
    bool any_needs = false;
    for (std::size_t i = begin; i < end; ++i) {
      const auto& job = state_.jobs[i];
      if (job.retried || job.status != kCreated) continue;
      plain.push_back(i);
      any_needs = any_needs || (job.needs && !job.needs->empty());
    }
    if (!any_needs) return plain;
    for (const auto i : plain) names.emplace(state_.jobs[i].name, i);
    std::vector<std::size_t> order;
    std::unordered_set<std::size_t> seen;
    for (const auto root : plain) visit(root, names, seen, order);
    return order;
  }

  /// Depth first, without recursion: a chain of needs may be as long as the stage.
  void visit(std::size_t root, const std::unordered_map<std::string_view, std::size_t>& names,
             std::unordered_set<std::size_t>& seen, std::vector<std::size_t>& order) const {
    if (!seen.insert(root).second) return;
    std::vector<std::pair<std::size_t, std::size_t>> stack = {{root, 0}};
    while (!stack.empty()) {
      auto& [item, next] = stack.back();
      const auto& needs = state_.jobs[item].needs;
      if (!needs || next == needs->size()) {
        order.push_back(item);
        stack.pop_back();
        continue;
      }
      const auto found = names.find((*needs)[next++]);
      if (found != names.end() && seen.insert(found->second).second) stack.emplace_back(found->second, 0);
    }
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

  /// Built when first needed; while processing, jobs neither come nor go.
  const std::unordered_map<std::string_view, std::size_t>& by_name() {
    if (by_name_.empty()) {
      for (std::size_t i = 0; i < state_.jobs.size(); ++i) {
        if (!state_.jobs[i].retried) by_name_[state_.jobs[i].name] = i;
      }
    }
    return by_name_;
  }

  State& state_;
  std::vector<Effect> effects_;
  std::unordered_map<std::string_view, std::size_t> by_name_;
};

}  // namespace

std::string_view to_string(JobStatus status) {
  return kNames.at(static_cast<std::size_t>(status));
}

std::optional<JobStatus> parse_job_status(std::string_view text) {
  const auto found = std::ranges::find(kNames, text);
  if (found == kNames.end()) return std::nullopt;
  return static_cast<JobStatus>(found - kNames.begin());
}

bool is_completed(JobStatus status) {
  return status == kSuccess || status == kFailed || status == kCanceled || status == kSkipped;
}

std::vector<Effect> apply(State& state, const Event& event) {
  return Machine(state).run(event);
}

std::vector<Effect> pending_effects(const State& state) {
  std::vector<Effect> effects;
  for (const auto& job : state.jobs) {
    if (job.retried) continue;
    if (job.status == kPending) effects.emplace_back(EnqueueJob{job.id});
    if (job.status == kScheduled)
      effects.emplace_back(ScheduleJob{job.id, job.start_in.value_or(Seconds{0})});
    if (job.status == kCanceling) effects.emplace_back(SignalCancel{job.id});
    if (job.retry_due) effects.emplace_back(RetryJob{job.id});
  }
  return effects;
}

}  // namespace tidegate::pipeline
