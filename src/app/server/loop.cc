#include "app/server/loop.h"

#include <cstdlib>
#include <exception>

#include "base/log.h"

namespace tidegate::app {
namespace {

// What escapes from a closure is a fault of ours; the server stays up and says so.
void run_guarded(const std::function<void()>& work, const char* where) {
  try {
    work();
  } catch (const std::exception& error) {
    log::error(where, "unexpected: {}", error.what());
  }
}

}  // namespace

void Loop::start() {
  thread_ = std::thread([this] { run(); });
}

void Loop::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
  const std::lock_guard lock(mutex_);
  queue_ = {};
}

void Loop::post(std::function<void()> work) {
  post_after(Millis{0}, std::move(work));
}

void Loop::post_after(Millis delay, std::function<void()> work) {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return;
    queue_.push({Steady::now() + delay, next_order_++, std::move(work)});
  }
  wake_.notify_one();
}

void Loop::run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    if (queue_.empty()) {
      wake_.wait(lock);
      continue;
    }
    const auto due = queue_.top().due;
    if (due > Steady::now()) {
      wake_.wait_until(lock, due);
      continue;
    }
    auto work = std::move(const_cast<Timed&>(queue_.top()).work);
    queue_.pop();
    lock.unlock();
    run_guarded(work, "loop");
    work = nullptr;
    lock.lock();
  }
}

void Loop::assert_elsewhere() const {
  if (std::this_thread::get_id() == thread_.get_id()) std::abort();
}

Workers::Workers(unsigned threads) {
  for (unsigned i = 0; i < threads; ++i) threads_.emplace_back([this] { run(); });
}

void Workers::post(std::function<void()> work) {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return;
    queue_.push(std::move(work));
  }
  wake_.notify_one();
}

void Workers::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    queue_ = {};
  }
  wake_.notify_all();
  for (std::thread& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
}

void Workers::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    wake_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
    if (stopping_) return;
    auto work = std::move(queue_.front());
    queue_.pop();
    lock.unlock();
    run_guarded(work, "worker");
    work = nullptr;
    lock.lock();
  }
}

}  // namespace tidegate::app
