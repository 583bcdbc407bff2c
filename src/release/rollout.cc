#include "release/rollout.h"

#include <algorithm>
#include <optional>

namespace tidegate::release {
namespace {

using Phases = std::vector<std::optional<Op>>;

Phases phases_of(const std::string& deployment, const std::vector<Facts>& hosts) {
  Phases phases;
  for (const auto& host : hosts) {
    const auto* attempt = host.journal.find(deployment);
    phases.push_back(attempt == nullptr ? std::nullopt : std::optional(attempt->phase));
  }
  return phases;
}

bool is_one_of(const std::optional<Op>& phase, std::initializer_list<Op> ops) {
  return phase && std::ranges::find(ops, *phase) != ops.end();
}

bool any(const Phases& phases, std::initializer_list<Op> ops) {
  return std::ranges::any_of(phases, [&](const auto& phase) { return is_one_of(phase, ops); });
}

bool all(const Phases& phases, std::initializer_list<Op> ops) {
  return std::ranges::all_of(phases, [&](const auto& phase) { return is_one_of(phase, ops); });
}

// Where it went wrong, for the hosts that have to follow.
std::string why_back(const std::string& deployment, const std::vector<Facts>& hosts) {
  for (const auto& host : hosts) {
    const auto* attempt = host.journal.find(deployment);
    if (attempt == nullptr || !is_one_of(attempt->phase, {Op::kUndo, Op::kUndone, Op::kFailed})) continue;
    if (attempt->record.step != "group")
      return "another host of this deployment failed: " + attempt->record.reason;
  }
  return "another host of this deployment went back";
}

std::vector<Clearance> clear(const Goal& goal, const std::vector<Facts>& hosts) {
  using Upto = Clearance::Upto;
  std::vector<Clearance> clearances(hosts.size());
  const auto phases = phases_of(goal.deployment, hosts);
  const auto give = [&](Upto canary, Upto others) {
    for (std::size_t i = 0; i < clearances.size(); ++i) clearances[i].upto = i == 0 ? canary : others;
    return clearances;
  };
  if (any(phases, {Op::kUndo, Op::kUndone, Op::kFailed})) {
    for (auto& clearance : clearances) clearance.undo = why_back(goal.deployment, hosts);
    return clearances;
  }
  if (hosts.size() == 1) return give(Upto::kLive, Upto::kLive);
  if (goal.roll_back) {
    const bool begun = std::ranges::all_of(phases, [](const auto& phase) { return phase.has_value(); });
    return begun ? give(Upto::kLive, Upto::kLive) : give(Upto::kReady, Upto::kReady);
  }
  if (is_one_of(phases.front(), {Op::kLive})) return give(Upto::kLive, Upto::kLive);
  if (all(phases, {Op::kHealthy})) return give(Upto::kLive, Upto::kHealthy);
  if (!all(phases, {Op::kReady, Op::kFlip, Op::kHealthy})) return give(Upto::kReady, Upto::kReady);
  const bool canary = is_one_of(phases.front(), {Op::kHealthy});
  return give(Upto::kHealthy, canary ? Upto::kHealthy : Upto::kReady);
}

}  // namespace

Decided decided_on(const std::vector<Facts>& hosts) {
  Decided decided;
  for (const auto& host : hosts) {
    for (const auto& [name, attempt] : host.journal.attempts) {
      if (attempt.is_final()) continue;
      const auto phases = phases_of(name, hosts);
      if (is_one_of(phases.front(), {Op::kLive}) ||
          (attempt.record.roll_back && any(phases, {Op::kFlip, Op::kLive})))
        decided.insert(name);
    }
  }
  return decided;
}

std::vector<Action> next_on_hosts(const Goal& goal, const std::vector<Facts>& hosts) {
  const auto clearances = clear(goal, hosts);
  const auto decided = decided_on(hosts);
  std::vector<Action> actions;
  for (std::size_t i = 0; i < hosts.size(); ++i)
    actions.push_back(next(goal, hosts[i], clearances[i], decided));
  return actions;
}

Conclusion conclude(const std::vector<Attempt>& attempts) {
  for (std::size_t i = 0; i < attempts.size(); ++i)
    if (attempts[i].phase != Op::kLive && attempts[i].record.step != "group" &&
        !attempts[i].record.step.empty())
      return {attempts[i], i};
  for (std::size_t i = 0; i < attempts.size(); ++i)
    if (attempts[i].phase != Op::kLive || !attempts[i].record.step.empty()) return {attempts[i], i};
  return {attempts.front(), 0};
}

}  // namespace tidegate::release
