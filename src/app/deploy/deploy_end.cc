// How a deployment ends: what it came to, and one that nobody goes on with.
#include <fmt/core.h>

#include "app/deploy/deploy_run.h"
#include "app/deploy/errors.h"
#include "base/log.h"
#include "base/text.h"
#include "release/release_lease.h"

namespace tidegate::app {

// The canary decides, so what it says can be brought about on the others that answer. Of one that does not,
// nothing is live that the decision does not allow: it can wait.
Status DeployRun::open_those_that_answer() {
  TG_CHECK(prepare());
  Hosts all = std::move(hosts_);
  hosts_.clear();
  for (auto& host : all) {
    const auto opened = host->open(tools_.hosts, tools_.stop);
    if (!opened && (hosts_.empty() || opened.error().code != Errc::kUnavailable))
      return of_host(*host, opened.error());
    if (opened) {
      hosts_.push_back(std::move(host));
    } else {
      silent_.push_back(opened.error().message);
    }
  }
  return {};
}

Result<DeployOutcome> DeployRun::abandon() {
  goal_.abandon = true;
  if (auto opened = open_those_that_answer(); !opened) return give_up("lease", opened.error());
  const auto* known = begun();
  if (known != nullptr) goal_.release = known->record.release;
  // Where it never came, nothing is to be ended but the lease, perhaps.
  std::vector<release::Attempt> ended;
  bool open = false;
  for (const auto& host : hosts_) {
    if (const auto* attempt = host->attempt(); attempt != nullptr) {
      ended.push_back(*attempt);
      open = open || !attempt->is_final();
    }
  }
  if (!open) {
    for (const auto& host : hosts_) {
      const auto lease = release::parse_lease(host->host_facts().lease);
      if (!lease || lease->owner != goal_.deployment) continue;
      // All that is left is to give the lease back; if that fails it runs out.
      if (host->take_lease()) host->drop_lease();
    }
  } else {
    if (auto leased = take_leases(); !leased) return give_up("lease", leased.error());
    say(fmt::format("release {} was given up", goal_.release));
  }
  auto outcome =
      !open ? (ended.empty() ? DeployOutcome{} : outcome_of(release::conclude(ended))) : carry_out();
  if (!outcome || silent_.empty()) return outcome;
  return fail(Errc::kUnavailable, join(silent_, "; "));
}

DeployOutcome DeployRun::outcome_of(const release::Conclusion& conclusion) const {
  DeployOutcome outcome;
  const auto& record = conclusion.attempt.record;
  const auto& host = *hosts_[std::min(conclusion.host, hosts_.size() - 1)];
  outcome.live = conclusion.attempt.phase == release::Op::kLive && record.step.empty();
  for (const auto& one : hosts_)
    if (const auto* attempt = one->attempt(); attempt != nullptr && attempt->phase == release::Op::kUndone)
      outcome.rolled_back = true;
  outcome.digest = record.digest;
  outcome.release = record.release;
  outcome.failed_step = record.step;
  outcome.message = record.reason;
  if (!outcome.message.empty() && request_.target.hosts.size() > 1)
    outcome.message = host.url() + ": " + outcome.message;
  outcome.experiment_id = host.experiment().empty() ? record.experiment : host.experiment();
  if (outcome.experiment_id == "none") outcome.experiment_id.clear();
  const auto* canary = hosts_.front()->attempt();
  if (canary != nullptr && !canary->record.from.empty())
    outcome.previous = release::Layout::release_of(canary->record.from.begin()->second);
  return outcome;
}

}  // namespace tidegate::app
