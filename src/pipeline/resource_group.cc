#include "pipeline/resource_group.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <tuple>

namespace tidegate::pipeline {
namespace {

constexpr std::array<std::string_view, 4> kModeNames = {"unordered", "oldest_first", "newest_first",
                                                        "newest_ready_first"};

bool is_newest(ProcessMode mode) {
  return mode == ProcessMode::kNewestFirst || mode == ProcessMode::kNewestReadyFirst;
}

/// Jobs that the mode puts in a row: those that wait, and where the order counts also those that will come.
bool is_candidate(JobStatus status, ProcessMode mode) {
  if (status == JobStatus::kWaitingForResource) return true;
  const bool counts_upcoming = mode == ProcessMode::kOldestFirst || mode == ProcessMode::kNewestFirst;
  return counts_upcoming && (status == JobStatus::kCreated || status == JobStatus::kScheduled);
}

}  // namespace

std::string_view to_string(ProcessMode mode) {
  return kModeNames.at(static_cast<std::size_t>(mode));
}

std::optional<ProcessMode> parse_process_mode(std::string_view text) {
  const auto found = std::ranges::find(kModeNames, text);
  if (found == kModeNames.end()) return std::nullopt;
  return static_cast<ProcessMode>(found - kModeNames.begin());
}

bool holds_resource(JobStatus status) {
  return status == JobStatus::kPending || status == JobStatus::kPreparing || status == JobStatus::kRunning ||
         status == JobStatus::kCanceling;
}

std::optional<JobId> next_holder(const std::vector<ResourceUser>& users, ProcessMode mode) {
  const auto holds = [](const ResourceUser& user) { return holds_resource(user.status); };
  if (std::ranges::any_of(users, holds)) return std::nullopt;
  // Within a pipeline those that wait come first, or jobs that wait for each other would wait for ever.
  const auto place = [&](const ResourceUser& user) {
    std::int64_t pipeline = mode == ProcessMode::kUnordered ? 0 : user.pipeline.value();
    if (is_newest(mode)) pipeline = -pipeline;
    return std::tuple(pipeline, user.status != JobStatus::kWaitingForResource, user.job.value());
  };
  const ResourceUser* first = nullptr;
  for (const ResourceUser& user : users) {
    if (!is_candidate(user.status, mode)) continue;
    if (first == nullptr || place(user) < place(*first)) first = &user;
  }
  if (first == nullptr || first->status != JobStatus::kWaitingForResource) return std::nullopt;
  return first->job;
}

}  // namespace tidegate::pipeline
