// Inside the machine: a bridge takes the status of the pipeline that it started or follows.
// Source: GitLab's Ci::Bridge#inherit_status_from_downstream and Ci::Pipeline#reset_source_bridge!.
#pragma once

#include "pipeline/machine.h"
#include "pipeline/transitions.h"

namespace tidegate::pipeline {

/// False: nothing changes. A bridge that is over moves only when the other pipeline was revived.
bool follow(JobState& bridge, const BridgeMoved& event, Transitions& moves, State& state);

}  // namespace tidegate::pipeline
