// Inside the machine: what one job's change of status is, and what the rim must do for it.
#pragma once

#include <vector>

#include "pipeline/machine.h"

namespace tidegate::pipeline {

/// A job that waits to run, or waits for time or resources: not yet at a runner, not yet over.
bool is_waiting(JobStatus status);

/// Changes jobs, and notes the effects. Says nothing about whether the change is due: that is Machine's
/// (events) and Processing's (what comes next).
class Transitions {
 public:
  explicit Transitions(std::vector<Effect>& effects) : effects_(effects) {}

  void set(JobState& job, JobStatus to);
  /// Towards a runner: by way of its resource group, when it has one.
  void enqueue(JobState& job);
  /// To the runners, at once.
  void offer(JobState& job);
  /// What stands before it lets it go: by its `when`. Bridges are never delayed (GitLab: schedulable?).
  void start(JobState& job);
  /// False: there was nothing to cancel. Gracefully: a running job goes by way of `canceling`.
  bool cancel(JobState& job, bool gracefully);
  void note(Effect effect) { effects_.push_back(effect); }

 private:
  std::vector<Effect>& effects_;
};

}  // namespace tidegate::pipeline
