// How a deployment ends: what it came to, what is tidied up, and one that nobody goes on with.
#include <fmt/core.h>

#include "app/deploy/deploy_run.h"
#include "base/log.h"
#include "release/journal_line.h"
#include "release/release_lease.h"
#include "release/release_retention.h"

namespace tidegate::app {

Result<DeployOutcome> DeployRun::abandon() {
  goal_.abandon = true;
  if (auto opened = open(); !opened) return give_up("lease", opened.error());
  const auto* begun = facts_.journal.find(goal_.deployment);
  if (begun == nullptr || begun->is_final()) {
    const auto outcome = begun == nullptr ? DeployOutcome{} : outcome_of(*begun);
    const auto lease = release::parse_lease(host_facts_.lease);
    if (!lease || lease->owner != goal_.deployment) return outcome;
    // All that is left is to give the lease back; if that fails it runs out.
    if (auto dropped = take_lease(); dropped) dropped = session_->drop_lease();
    return outcome;
  }
  goal_.release = begun->record.release;
  if (auto leased = take_lease(); !leased) return give_up("lease", leased.error());
  say(fmt::format("release {} was given up", goal_.release));
  return carry_out();
}

// The decision is durable already; what fails here is only told. A lease that stays behind is nobody's: its
// deployment is over (release::may_take).
void DeployRun::close(const release::Attempt& attempt) {
  const auto outcome = outcome_of(attempt);
  const release::Fields history = {
      {"at", format_iso8601(tools_.clock.now())}, {"deployment", goal_.deployment},
      {"release", attempt.record.release},        {"digest", attempt.record.digest},
      {"commit", attempt.record.commit},          {"previous", outcome.previous},
      {"live", outcome.live ? "yes" : "no"},      {"message", outcome.message}};
  const auto closed = session_->close(goal_.release, release::write_line(history),
                                      outcome.live ? old_releases() : std::vector<std::string>());
  leased_ = false;
  if (!closed) {
    log::warn("deploy", "tidying up {}: {}", request_.target.path, closed.error().message);
    return;
  }
  for (const auto& line : *closed) say(line);
}

std::vector<std::string> DeployRun::old_releases() const {
  release::Retention retention;
  retention.keep = request_.target.keep;
  retention.must = {goal_.release, release::release_before(facts_.journal, goal_.release)};
  for (const auto& [member, link] : facts_.links) retention.must.insert(release::Layout::release_of(link));
  std::vector<std::string> names;
  for (const auto& member : goal_.members) {
    std::vector<release::Stored> stored;
    for (const auto& entry : host_facts_.stored)
      if (entry.member == member && release::is_release_id(entry.release))
        stored.push_back({entry.release, entry.state});
    for (const auto& release : release::releases_to_delete(stored, retention))
      names.push_back(member + "/" + release);
  }
  return names;
}

DeployOutcome DeployRun::outcome_of(const release::Attempt& attempt) const {
  DeployOutcome outcome;
  const auto& record = attempt.record;
  outcome.live = attempt.phase == release::Op::kLive && record.step.empty();
  outcome.rolled_back = attempt.phase == release::Op::kUndone;
  outcome.digest = record.digest;
  outcome.release = record.release;
  outcome.failed_step = record.step;
  outcome.message = record.reason;
  outcome.experiment_id = goal_.experiment.empty() ? record.experiment : goal_.experiment;
  if (outcome.experiment_id == "none") outcome.experiment_id.clear();
  if (!record.from.empty()) outcome.previous = release::Layout::release_of(record.from.begin()->second);
  return outcome;
}

}  // namespace tidegate::app
