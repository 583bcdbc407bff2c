#include "release/group.h"

#include <algorithm>

#include "release/release_id.h"

namespace tidegate::release {
namespace {

std::string link_of(const Facts& facts, const std::string& member) {
  const auto it = facts.links.find(member);
  return it == facts.links.end() ? std::string() : it->second;
}

bool stand_as(const Facts& facts, const Links& wanted) {
  return std::ranges::all_of(wanted,
                             [&](const auto& entry) { return link_of(facts, entry.first) == entry.second; });
}

Record follow(const Attempt& attempt, Op op, std::string step = {}, std::string reason = {}) {
  Record record;
  record.op = op;
  record.deployment = attempt.record.deployment;
  record.release = attempt.record.release;
  record.roll_back = attempt.record.roll_back;
  record.step = std::move(step);
  record.reason = std::move(reason);
  return record;
}

// The links that an open attempt was moving, all to its own release.
Links forward(const Attempt& attempt) {
  Links links;
  for (const auto& [member, from] : attempt.record.from)
    links[member] = Layout::link_to(attempt.record.release);
  return links;
}

Action undo(const Attempt& attempt, const Facts& facts) {
  if (!stand_as(facts, attempt.record.from)) return Point{attempt.record.from};
  return WriteRecord{follow(attempt, Op::kUndone)};
}

Action forward_to_live(const Attempt& attempt, const Facts& facts) {
  if (!stand_as(facts, forward(attempt))) return Point{forward(attempt)};
  return WriteRecord{follow(attempt, Op::kLive)};
}

WriteRecord flip(const Attempt& attempt, const std::vector<std::string>& members, const Facts& facts) {
  auto record = follow(attempt, Op::kFlip);
  for (const auto& member : members) record.from[member] = link_of(facts, member);
  return WriteRecord{record};
}

// A deployment that never came to an end. Its owner may come back and then finds it decided.
Action settle(const Attempt& attempt, const Goal& goal, const Facts& facts, bool decided,
              const std::string& why) {
  if (attempt.phase == Op::kUndo) return undo(attempt, facts);
  const bool flipped = attempt.phase == Op::kFlip || attempt.phase == Op::kHealthy;
  if (flipped && (decided || attempt.record.roll_back)) return forward_to_live(attempt, facts);
  if (flipped)
    return WriteRecord{follow(attempt, Op::kUndo, "flip", "it stopped during the flip, and " + why)};
  if (decided && attempt.record.roll_back) return flip(attempt, goal.members, facts);
  return WriteRecord{follow(attempt, Op::kFailed, "lease", "it stopped halfway, and " + why)};
}

bool installed_everywhere(const Goal& goal, const Facts& facts) {
  return std::ranges::all_of(goal.members,
                             [&](const auto& member) { return facts.installed.contains(member); });
}

Action begin(const Goal& goal, const Facts& facts) {
  Record record;
  record.deployment = goal.deployment;
  record.release = goal.release;
  record.digest = goal.digest;
  record.commit = goal.commit;
  record.experiment = goal.experiment;
  record.roll_back = goal.roll_back;
  record.op = Op::kBegin;
  if (goal.roll_back && !installed_everywhere(goal, facts)) {
    record.op = Op::kFailed;
    record.step = "flip";
    record.reason = "release " + goal.release + " is not on the host for every member";
  }
  return WriteRecord{record};
}

Action after_check(const Goal& goal, const Attempt& attempt, const Facts& facts, const Clearance& clearance) {
  if (!facts.health->empty()) {
    // The way back is where a person wanted to go: it stays, and they are told that it is not healthy either.
    return WriteRecord{follow(attempt, goal.roll_back ? Op::kLive : Op::kUndo, "health", *facts.health)};
  }
  const bool all_are = clearance.upto == Clearance::Upto::kLive || goal.roll_back;
  return WriteRecord{follow(attempt, all_are ? Op::kLive : Op::kHealthy)};
}

Action proceed(const Goal& goal, const Attempt& attempt, const Facts& facts, const Clearance& clearance) {
  using Upto = Clearance::Upto;
  const bool goes_back = !clearance.undo.empty();
  switch (attempt.phase) {
    case Op::kBegin:
    case Op::kReady:
      if (goes_back) return WriteRecord{follow(attempt, Op::kFailed, "group", clearance.undo)};
      if (!goal.roll_back && !installed_everywhere(goal, facts)) return Install{};
      if (!goal.roll_back && attempt.phase == Op::kBegin) {
        if (!facts.smoke) return RunSmoke{};
        if (facts.smoke->empty()) return WriteRecord{follow(attempt, Op::kReady)};
        return WriteRecord{follow(attempt, Op::kFailed, "smoke", *facts.smoke)};
      }
      if (clearance.upto == Upto::kReady) return Wait{};
      return flip(attempt, goal.members, facts);
    case Op::kFlip:
      if (goes_back) return WriteRecord{follow(attempt, Op::kUndo, "group", clearance.undo)};
      if (!stand_as(facts, forward(attempt))) return Point{forward(attempt)};
      if (!facts.health) return RunCheck{};
      return after_check(goal, attempt, facts, clearance);
    case Op::kHealthy:
      if (goes_back) return WriteRecord{follow(attempt, Op::kUndo, "group", clearance.undo)};
      if (clearance.upto != Upto::kLive) return Wait{};
      return forward_to_live(attempt, facts);
    case Op::kUndo:
      return undo(attempt, facts);
    case Op::kLive:
    case Op::kUndone:
    case Op::kFailed:
      break;
  }
  return Finished{attempt};
}

}  // namespace

Action next(const Goal& goal, const Facts& facts, const Clearance& clearance, const Decided& decided) {
  const Attempt* ours = facts.journal.find(goal.deployment);
  if (ours != nullptr && ours->is_final()) return Finished{*ours};
  if (goal.abandon) {
    if (ours == nullptr) return Finished{Attempt{Op::kFailed, {}}};  // it never came here
    return settle(*ours, goal, facts, decided.contains(goal.deployment), "it was given up");
  }
  const Attempt* last = facts.journal.last_attempt();
  if (last != nullptr && last != ours && !last->is_final())
    return settle(*last, goal, facts, decided.contains(last->record.deployment),
                  "another deployment took its place");
  if (ours == nullptr) return begin(goal, facts);
  return proceed(goal, *ours, facts, clearance);
}

std::set<std::string> members_of_interest(const Goal& goal, const Journal& journal) {
  std::set<std::string> members(goal.members.begin(), goal.members.end());
  if (const auto* last = journal.last_attempt(); last != nullptr && last->is_open())
    for (const auto& [member, link] : last->record.from) members.insert(member);
  return members;
}

}  // namespace tidegate::release
