// Loop: the one thread that owns the server's state, and the workers that do what blocks.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <future>
#include <map>
#include <mutex>
#include <queue>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace tidegate::app {

/// Runs posted closures one after another on its own thread. Everything here may be called from any thread.
class Loop {
 public:
  Loop() = default;
  ~Loop() { stop(); }
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  void start();
  /// Runs nothing more and joins; closures not yet run are dropped.
  void stop();

  void post(std::function<void()> work);
  void post_after(Millis delay, std::function<void()> work);

  /// Runs `work` on the loop and waits for what it returns. Never from the loop itself (aborts). When the
  /// loop has been stopped the result is a default-made one.
  template <class Work>
  std::invoke_result_t<Work> call(Work work) {
    using Out = std::invoke_result_t<Work>;
    auto task = std::make_shared<std::packaged_task<Out()>>(std::move(work));
    std::future<Out> result = task->get_future();
    assert_elsewhere();
    post([task] { (*task)(); });
    task.reset();
    try {
      return result.get();
    } catch (const std::future_error&) {
      if constexpr (std::is_constructible_v<Out, Error>) {
        return Out(fail(Errc::kCanceled, "the server is going down"));
      } else {
        return Out();
      }
    }
  }

 private:
  using Steady = std::chrono::steady_clock;
  struct Timed {
    Steady::time_point due;
    std::uint64_t order;  // equal times run in the order they were posted
    std::function<void()> work;
    bool operator>(const Timed& other) const {
      return std::tie(due, order) > std::tie(other.due, other.order);
    }
  };

  void run();
  void assert_elsewhere() const;

  std::mutex mutex_;
  std::condition_variable wake_;
  std::priority_queue<Timed, std::vector<Timed>, std::greater<>> queue_;
  std::uint64_t next_order_ = 0;
  bool stopping_ = false;
  std::thread thread_;
};

/// A few threads for what blocks (Git, S3, SSH, jobs). Work that has begun is finished before stop() returns.
class Workers {
 public:
  explicit Workers(unsigned threads);
  ~Workers() { stop(); }
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

  void post(std::function<void()> work);
  void stop();

 private:
  void run();

  std::mutex mutex_;
  std::condition_variable wake_;
  std::queue<std::function<void()>> queue_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

/// Does `work` on a worker, then hands what it returned to `done` on the loop.
template <class Work, class Done>
void in_background(Workers& workers, Loop& loop, Work work, Done done) {
  workers.post([&loop, work = std::move(work), done = std::move(done)]() mutable {
    auto result = std::make_shared<std::invoke_result_t<Work>>(work());
    loop.post([result, done = std::move(done)]() mutable { done(std::move(*result)); });
  });
}

}  // namespace tidegate::app
