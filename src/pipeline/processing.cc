#include "pipeline/processing.h"

#include <optional>
#include <utility>

namespace tidegate::pipeline {
namespace {

using enum JobStatus;

/// The statuses of what stands before a job that let it start.
bool lets_start(const JobState& job, JobStatus before) {
  switch (job.when) {
    case config::When::kOnSuccess:
    case config::When::kManual:
    case config::When::kDelayed:
      return before == kSuccess || (before == kSkipped && !job.needs);
    case config::When::kOnFailure:
      return before == kFailed;
    case config::When::kAlways:
      return before == kSuccess || before == kFailed || before == kSkipped;
    case config::When::kNever:
      return false;
  }
  return false;
}

}  // namespace

/// One walk in the order of stages, within a stage in the order of needs. Nothing depends on what comes
/// later, so after one walk there is nothing left to do.
void Processing::run() {
  StatusSet before;
  const std::size_t count = state_.jobs.size();
  for (std::size_t begin = 0; begin < count;) {
    std::size_t end = begin;
    while (end < count && state_.jobs[end].stage == state_.jobs[begin].stage) ++end;
    for (const auto i : created_in_order(begin, end)) update(state_.jobs[i], before);
    for (std::size_t i = begin; i < end; ++i) {
      if (!state_.jobs[i].retried) before.add(state_.jobs[i]);
    }
    begin = end;
  }
  const JobStatus status = before.composite(false).value_or(kSuccess);
  if (is_completed(status) && status != state_.status) moves_.note(PipelineFinished{status});
  state_.status = status;
}

void Processing::update(JobState& job, StatusSet earlier_stages) {
  StatusSet before = earlier_stages;
  if (job.needs) {
    before = {};
    for (const auto& need : *job.needs) {
      const auto found = by_name().find(need);
      if (found != by_name().end()) before.add(state_.jobs[found->second]);
    }
  }
  const JobStatus status = before.composite(job.needs.has_value()).value_or(kSuccess);
  if (!is_completed(status)) return;
  if (lets_start(job, status)) {
    moves_.start(job);
  } else {
    moves_.set(job, kSkipped);
  }
}

/// Jobs of one stage that are still `created`, each after those of its needs that are in the same stage.
std::vector<std::size_t> Processing::created_in_order(std::size_t begin, std::size_t end) const {
  std::vector<std::size_t> plain;
  Names names;
  bool any_needs = false;
  for (std::size_t i = begin; i < end; ++i) {
    const auto& job = state_.jobs[i];
    if (job.retried || job.status != kCreated) continue;
    plain.push_back(i);
    any_needs = any_needs || (job.needs && !job.needs->empty());
  }
  if (!any_needs) return plain;
  for (const auto i : plain) names.emplace(state_.jobs[i].name, i);
  std::vector<std::size_t> order;
  std::unordered_set<std::size_t> seen;
  for (const auto root : plain) visit(root, names, seen, order);
  return order;
}

/// Depth first, without recursion: a chain of needs may be as long as the stage.
void Processing::visit(std::size_t root, const Names& names, std::unordered_set<std::size_t>& seen,
                       std::vector<std::size_t>& order) const {
  if (!seen.insert(root).second) return;
  std::vector<std::pair<std::size_t, std::size_t>> stack = {{root, 0}};
  while (!stack.empty()) {
    auto& [item, next] = stack.back();
    const auto& needs = state_.jobs[item].needs;
    if (!needs || next == needs->size()) {
      order.push_back(item);
      stack.pop_back();
      continue;
    }
    const auto found = names.find((*needs)[next++]);
    if (found != names.end() && seen.insert(found->second).second) stack.emplace_back(found->second, 0);
  }
}

/// Built when first needed; while processing, jobs neither come nor go.
const Processing::Names& Processing::by_name() {
  if (by_name_.empty()) {
    for (std::size_t i = 0; i < state_.jobs.size(); ++i) {
      if (!state_.jobs[i].retried) by_name_[state_.jobs[i].name] = i;
    }
  }
  return by_name_;
}

void reset_skipped_after(State& state, const JobState& base, Transitions& moves) {
  std::unordered_map<std::string_view, std::vector<std::size_t>> needed_by;
  for (std::size_t i = 0; i < state.jobs.size(); ++i) {
    const auto& job = state.jobs[i];
    if (job.retried || !job.needs) continue;
    for (const auto& need : *job.needs) needed_by[need].push_back(i);
  }
  std::unordered_set<std::size_t> descendants;
  std::vector<std::string_view> todo = {base.name};
  while (!todo.empty()) {
    const auto found = needed_by.find(todo.back());
    todo.pop_back();
    if (found == needed_by.end()) continue;
    for (const auto i : found->second) {
      if (descendants.insert(i).second) todo.emplace_back(state.jobs[i].name);
    }
  }
  for (std::size_t i = 0; i < state.jobs.size(); ++i) {
    auto& job = state.jobs[i];
    if (job.retried || job.status != kSkipped) continue;
    if (job.stage > base.stage || descendants.contains(i)) moves.set(job, kCreated);
  }
}

}  // namespace tidegate::pipeline
