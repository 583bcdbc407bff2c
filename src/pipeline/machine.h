// The state machine of one running pipeline: state and event in, new state and effects out. Pure.
// Statuses, composite rules and processing order are GitLab's (has_status.rb, composite.rb,
// atomic_processing_service.rb).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/id.h"
#include "base/time.h"
#include "config/definition.h"
#include "pipeline/plan.h"

namespace tidegate::pipeline {

enum class JobStatus : std::uint8_t {
  kCreated,
  kWaitingForResource,
  kPreparing,
  kWaitingForCallback,
  kPending,
  kRunning,
  kSuccess,
  kFailed,
  kCanceling,
  kCanceled,
  kSkipped,
  kManual,
  kScheduled,
};
std::string_view to_string(JobStatus status);
std::optional<JobStatus> parse_job_status(std::string_view text);
/// success, failed, canceled or skipped.
bool is_completed(JobStatus status);

/// What the machine knows of one job. The order of jobs in State is by stage, then by the file.
struct JobState {
  JobId id;
  std::string name;
  std::uint32_t stage = 0;  ///< index into the pipeline's stages
  JobStatus status = JobStatus::kCreated;
  config::When when = config::When::kOnSuccess;
  std::optional<Seconds> start_in;
  bool allow_failure = false;
  std::vector<int> allow_failure_codes;
  std::optional<std::vector<std::string>> needs;  ///< names of jobs in this pipeline; nothing: by stage
  int retry_max = 0;
  std::vector<std::string> retry_when;
  std::vector<int> retry_codes;
  bool interruptible = false;
  std::string resource_group;  ///< expanded; empty: none
  int attempt = 0;             ///< retries so far
  bool retried = false;        ///< a newer job of the same name has taken its place
  std::string failure_reason;
  std::optional<int> exit_code;
  /// Failed, and RetryJob was asked for: until JobRetried comes, others see the job as pending, so that
  /// nothing after it is skipped and the pipeline does not end.
  bool retry_due = false;
  /// A clone of a manual or delayed job: it starts by itself as soon as it may.
  bool starts_when_ready = false;

  BridgeKind bridge = BridgeKind::kNone;
  config::TriggerStrategy strategy = config::TriggerStrategy::kNone;  ///< kUpstream: mirror
  bool linked = false;  ///< a bridge whose other pipeline is there

  friend bool operator==(const JobState&, const JobState&) = default;
};

struct State {
  std::vector<JobState> jobs;
  JobStatus status = JobStatus::kCreated;  ///< composite of the jobs that are not retried
  config::OnJobFailure on_job_failure = config::OnJobFailure::kNone;

  friend bool operator==(const State&, const State&) = default;
};

/// A planned job as the machine first sees it; `stages` are the plan's.
JobState initial_state(const PlannedJob& planned, JobId id, const std::vector<std::string>& stages);

// Events: what happened outside.
struct Started {};  ///< the pipeline was created: process it for the first time
struct JobPicked {
  JobId job;
};  ///< a runner took it
struct JobSucceeded {
  JobId job;
};
struct JobFailed {
  JobId job;
  std::string reason;
  std::optional<int> exit_code;
};
struct JobRequeued {
  JobId job;
};  ///< the runner was lost; running → pending, not a retry
struct JobPlayed {
  JobId job;
};  ///< somebody started a manual job
struct JobDue {
  JobId job;
};  ///< a delayed job's time has come
struct JobCanceled {
  JobId job;
  bool runner_cancels_gracefully = true;
};
struct JobRetried {
  JobId job;
  JobId new_id;
};  ///< somebody asked; new_id is the clone's
struct PipelineCanceled {
  bool runner_cancels_gracefully = true;
};
struct ResourceAssigned {
  JobId job;
};  ///< the job's resource group is free for it
struct NewCommit {
  config::OnNewCommit mode = config::OnNewCommit::kConservative;
};  ///< a newer pipeline of the same ref makes this one redundant
struct BridgeLinked {
  JobId job;
};  ///< the pipeline that it starts is stored, or the one that it follows is found
struct BridgeMoved {
  JobId job;
  JobStatus status;      ///< of the other pipeline
  bool revived = false;  ///< that one was over, and goes on: somebody retried in it
};
using Event =
    std::variant<Started, JobPicked, JobSucceeded, JobFailed, JobRequeued, JobPlayed, JobDue, JobCanceled,
                 JobRetried, PipelineCanceled, ResourceAssigned, NewCommit, BridgeLinked, BridgeMoved>;

// Effects: what the rim must now do. Each is idempotent for the same job.
struct EnqueueJob {
  JobId job;
};  ///< it is pending: offer it to runners
struct ScheduleJob {
  JobId job;
  Seconds delay;
};  ///< send JobDue after this
struct RequestResource {
  JobId job;
};  ///< it waits for its resource group: send ResourceAssigned when it is its turn
struct StartBridge {
  JobId job;
};  ///< create the pipeline (or look for it), then send BridgeLinked or JobFailed
struct SignalCancel {
  JobId job;
};  ///< tell the runner that holds it to cancel; of a bridge: cancel its child pipeline
struct RetryJob {
  JobId job;
};  ///< automatic retry: send JobRetried with a new id
struct StatusChanged {
  JobId job;
  JobStatus from;
  JobStatus to;
};
struct PipelineFinished {
  JobStatus status;
};  ///< success, failed, canceled or skipped, reached now
using Effect = std::variant<EnqueueJob, ScheduleJob, RequestResource, StartBridge, SignalCancel, RetryJob,
                            StatusChanged, PipelineFinished>;

/// Applies one event. An event that does not fit the job's status (late, doubled) changes nothing and has no
/// effects. `state.jobs` must be ordered by stage.
///
/// One thing differs from GitLab on purpose: PipelineCanceled also cancels blocking manual jobs (on GitLab
/// they stay and the pipeline waits for ever), so that a canceled pipeline always ends.
std::vector<Effect> apply(State& state, const Event& event);

/// What the rim still has to do for this state, if the effects of earlier events were lost (a restart):
/// EnqueueJob of pending jobs, StartBridge of pending bridges, RequestResource of those that wait for theirs,
/// ScheduleJob of scheduled ones with their whole delay, SignalCancel of those that are canceling, RetryJob
/// where a retry is due.
std::vector<Effect> pending_effects(const State& state);

/// GitLab's composite status (reference: composite.rb, 17–18). `dag`: for the needs of one job.
/// Nothing when `jobs` is empty.
std::optional<JobStatus> composite(const std::vector<const JobState*>& jobs, bool dag);

}  // namespace tidegate::pipeline
