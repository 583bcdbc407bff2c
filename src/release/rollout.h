// One deployment on several hosts: which host may go how far, so that all of them end on the same release.
#pragma once

#include <string>
#include <vector>

#include "release/group.h"

namespace tidegate::release {

/// The next action of each host, by what all of them say. Hosts are in the order of the target; the first is
/// the canary.
///
/// Every host prepares; then the canary flips and is checked; then the others do; then the canary is written
/// down as live, and after it the others. That record on the canary is the decision: before it whoever finds
/// the deployment half done takes it back everywhere, after it he completes it everywhere. So nothing but the
/// hosts' journals is needed to go on after a crash. A rollback flips everywhere at once; its decision is
/// that every host has begun it and one flips.
///
/// kFinished for all: nothing is left to do. Never kWait for all.
std::vector<Action> next_on_hosts(const Goal& goal, const std::vector<Facts>& hosts);

/// The deployments among those that `hosts` have open which are decided: they are to be completed.
Decided decided_on(const std::vector<Facts>& hosts);

/// What became of a deployment that came to an end on every host: live only if it is everywhere. `host` is
/// the one whose step failed first, or the canary.
struct Conclusion {
  Attempt attempt;
  std::size_t host = 0;
};
Conclusion conclude(const std::vector<Attempt>& attempts);

}  // namespace tidegate::release
