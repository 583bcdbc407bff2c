// From a plan to the machine's first state.
#include <algorithm>

#include "pipeline/machine.h"

namespace tidegate::pipeline {

JobState initial_state(const PlannedJob& planned, JobId id, const std::vector<std::string>& stages) {
  JobState state;
  state.id = id;
  state.name = planned.name;
  state.stage = static_cast<std::uint32_t>(std::ranges::find(stages, planned.stage) - stages.begin());
  state.when = planned.when;
  state.start_in = planned.start_in;
  state.allow_failure = planned.allow_failure.value;
  state.allow_failure_codes = planned.allow_failure.exit_codes;
  state.interruptible = planned.interruptible;
  state.resource_group = planned.resource_group;
  if (planned.needs) {
    state.needs.emplace();
    for (const PlannedNeed& need : *planned.needs) state.needs->push_back(need.job);
  }
  if (planned.retry) {
    state.retry_max = planned.retry->max;
    state.retry_when = planned.retry->when;
    state.retry_codes = planned.retry->exit_codes;
  }
  if (planned.bridge) {
    state.bridge = planned.bridge->kind;
    state.strategy = planned.bridge->strategy;
  }
  return state;
}

}  // namespace tidegate::pipeline
