#include "pipeline/follow.h"

#include "pipeline/processing.h"

namespace tidegate::pipeline {
namespace {

using enum JobStatus;

/// What a bridge is while the other pipeline has this status.
JobStatus followed(config::TriggerStrategy strategy, JobStatus other) {
  const bool mirror = strategy == config::TriggerStrategy::kMirror;
  if (other == kSuccess || other == kFailed || other == kCanceled) return other;
  if (other == kSkipped) return mirror ? kSkipped : kFailed;
  return mirror && other == kManual ? kManual : kRunning;
}

}  // namespace

bool follow(JobState& bridge, const BridgeMoved& event, Transitions& moves, State& state) {
  const JobStatus next = followed(bridge.strategy, event.status);
  if (bridge.status == kCanceling) {
    if (!is_completed(event.status)) return false;
    moves.set(bridge, kCanceled);
    return true;
  }
  const bool over = is_completed(bridge.status);
  if (next == bridge.status || (over && !(event.revived && !is_completed(next)))) return false;
  moves.set(bridge, next);
  if (over) {
    bridge.failure_reason.clear();
    reset_skipped_after(state, bridge, moves);
  }
  return true;
}

}  // namespace tidegate::pipeline
