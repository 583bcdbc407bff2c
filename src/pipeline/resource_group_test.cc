#include "pipeline/resource_group.h"

#include <gtest/gtest.h>

namespace tidegate::pipeline {
namespace {

using enum JobStatus;

ResourceUser user(int pipeline, int job, JobStatus status) {
  return {.pipeline = PipelineId(pipeline), .job = JobId(job), .status = status};
}

struct Queue {
  std::vector<ResourceUser> users;
  int unordered, oldest, newest, newest_ready;  ///< the job that comes next; 0: nobody
};

const std::vector<Queue> kQueues = {
    {{}, 0, 0, 0, 0},
    {{user(1, 1, kWaitingForResource)}, 1, 1, 1, 1},
    {{user(1, 1, kWaitingForResource), user(2, 5, kWaitingForResource)}, 1, 1, 5, 5},
    // Somebody has it.
    {{user(1, 1, kWaitingForResource), user(2, 5, kRunning)}, 0, 0, 0, 0},
    {{user(1, 1, kPending), user(2, 5, kWaitingForResource)}, 0, 0, 0, 0},
    {{user(1, 1, kCanceling), user(2, 5, kWaitingForResource)}, 0, 0, 0, 0},
    // A job that has not come so far is waited for, or not.
    {{user(1, 1, kCreated), user(2, 5, kWaitingForResource)}, 5, 0, 5, 5},
    {{user(1, 1, kWaitingForResource), user(2, 5, kScheduled)}, 1, 1, 0, 1},
    // Those of one pipeline do not wait for each other.
    {{user(1, 1, kCreated), user(1, 2, kWaitingForResource)}, 2, 2, 2, 2},
    {{user(1, 2, kWaitingForResource), user(1, 1, kWaitingForResource)}, 1, 1, 1, 1},
    // What is over, or waits for a person, is in nobody's way.
    {{user(1, 1, kManual), user(2, 5, kWaitingForResource), user(3, 7, kSkipped)}, 5, 5, 5, 5},
    {{user(1, 1, kSuccess), user(2, 5, kFailed), user(3, 7, kCanceled)}, 0, 0, 0, 0},
};

TEST(ResourceGroup, WhoComesNext) {
  for (std::size_t i = 0; i < kQueues.size(); ++i) {
    SCOPED_TRACE(i);
    const Queue& row = kQueues[i];
    const auto next = [&](ProcessMode mode) {
      const auto job = next_holder(row.users, mode);
      return job ? job->value() : 0;
    };
    EXPECT_EQ(next(ProcessMode::kUnordered), row.unordered);
    EXPECT_EQ(next(ProcessMode::kOldestFirst), row.oldest);
    EXPECT_EQ(next(ProcessMode::kNewestFirst), row.newest);
    EXPECT_EQ(next(ProcessMode::kNewestReadyFirst), row.newest_ready);
  }
}

TEST(ResourceGroup, ModesHaveGitLabsNames) {
  for (const auto* name : {"unordered", "oldest_first", "newest_first", "newest_ready_first"}) {
    EXPECT_EQ(to_string(parse_process_mode(name).value()), name);
  }
  EXPECT_FALSE(parse_process_mode("random"));
}

}  // namespace
}  // namespace tidegate::pipeline
