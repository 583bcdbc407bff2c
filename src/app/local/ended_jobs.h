// Within a local run: jobs that ended, on their way back to the thread that decides.
#pragma once

#include <condition_variable>
#include <mutex>
#include <utility>
#include <vector>

#include "app/runner/run_job.h"
#include "base/id.h"
#include "base/time.h"

namespace tidegate::app {

/// What a worker hands back.
struct EndedJob {
  JobId id;
  JobOutcome outcome;
  Millis duration{0};
};

/// Ended jobs, from the workers to the one thread that decides.
class EndedJobs {
 public:
  void put(EndedJob ended) {
    const std::lock_guard lock(mutex_);
    ended_.push_back(std::move(ended));
    arrived_.notify_one();
  }
  /// What has come since the last call; waits for the first, and gives nothing when the time is over.
  std::vector<EndedJob> wait(Millis at_most) {
    std::unique_lock lock(mutex_);
    arrived_.wait_for(lock, at_most, [this] { return !ended_.empty(); });
    return std::exchange(ended_, {});
  }

 private:
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::vector<EndedJob> ended_;
};

}  // namespace tidegate::app
