#include "pipeline/transitions.h"

namespace tidegate::pipeline {
namespace {
using enum JobStatus;
}

bool is_waiting(JobStatus status) {
  return status == kWaitingForResource || status == kPreparing || status == kWaitingForCallback ||
         status == kPending;
}

void Transitions::set(JobState& job, JobStatus to) {
  effects_.emplace_back(StatusChanged{job.id, job.status, to});
  job.status = to;
}

void Transitions::enqueue(JobState& job) {
  if (job.resource_group.empty()) return offer(job);
  set(job, kWaitingForResource);
  effects_.emplace_back(RequestResource{job.id});
}

void Transitions::offer(JobState& job) {
  set(job, kPending);
  if (job.bridge == BridgeKind::kNone) {
    effects_.emplace_back(EnqueueJob{job.id});
  } else {
    effects_.emplace_back(StartBridge{job.id});
  }
}

bool Transitions::cancel(JobState& job, bool gracefully) {
  if (job.status == kRunning && job.bridge != BridgeKind::kNone && job.bridge != BridgeKind::kChild) {
    set(job, kCanceled);  // what runs in another project is not ours to end
  } else if (job.status == kRunning) {
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

void Transitions::start(JobState& job) {
  if (job.starts_when_ready) {
    enqueue(job);
  } else if (job.when == config::When::kDelayed && job.bridge == BridgeKind::kNone) {
    set(job, kScheduled);
    effects_.emplace_back(ScheduleJob{job.id, job.start_in.value_or(Seconds{0})});
  } else if (job.when == config::When::kManual) {
    set(job, kManual);
  } else {
    enqueue(job);
  }
}

}  // namespace tidegate::pipeline
