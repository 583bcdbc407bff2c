#include "adapters/neo4j/lanes.h"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

namespace tidegate::neo4j {
namespace {

struct Ended {
  std::size_t item = 0;
  Status outcome;
};

// What the lanes and the caller share.
class Queue {
 public:
  explicit Queue(std::size_t items) : items_(items) {}

  std::optional<std::size_t> take() {
    const std::lock_guard lock(mutex_);
    if (stopped_ || next_ == items_) return std::nullopt;
    return next_++;
  }

  void put(Ended ended) {
    const std::lock_guard lock(mutex_);
    if (!ended.outcome) stopped_ = true;
    ended_.push_back(std::move(ended));
    changed_.notify_one();
  }

  void lane_ends() {
    const std::lock_guard lock(mutex_);
    ++lanes_ended_;
    changed_.notify_one();
  }

  void stop() {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
  }

  // The next that has ended; nothing when all `lanes` are through.
  std::optional<Ended> next_ended(std::size_t lanes) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return !ended_.empty() || lanes_ended_ == lanes; });
    if (ended_.empty()) return std::nullopt;
    auto ended = std::move(ended_.front());
    ended_.pop_front();
    return ended;
  }

 private:
  const std::size_t items_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::size_t next_ = 0;
  std::size_t lanes_ended_ = 0;
  bool stopped_ = false;
  std::deque<Ended> ended_;
};

}  // namespace

Status run_in_lanes(std::size_t lanes, std::size_t items,
                    const std::function<Status(std::size_t lane, std::size_t item)>& work,
                    const std::function<Status(std::size_t item)>& done) {
  lanes = std::min(lanes, items);
  if (lanes <= 1) {
    for (std::size_t item = 0; item < items; ++item) {
      TG_CHECK(work(0, item));
      TG_CHECK(done(item));
    }
    return {};
  }
  Queue queue(items);
  std::vector<std::jthread> threads;
  for (std::size_t lane = 0; lane < lanes; ++lane) {
    threads.emplace_back([&, lane] {
      while (const auto item = queue.take()) queue.put({*item, work(lane, *item)});
      queue.lane_ends();
    });
  }
  Status outcome;
  while (auto ended = queue.next_ended(lanes)) {
    if (ended->outcome && outcome) ended->outcome = done(ended->item);
    if (ended->outcome || !outcome) continue;
    outcome = std::move(ended->outcome);
    queue.stop();
  }
  return outcome;
}

}  // namespace tidegate::neo4j
