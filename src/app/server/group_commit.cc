#include "app/server/group_commit.h"

namespace tidegate::app {

Status GroupCommit::run(std::function<Status()> work) {
  auto waiting = std::make_shared<Waiting>();
  waiting->work = std::move(work);
  auto done = waiting->done.get_future();
  {
    const std::lock_guard lock(mutex_);
    waiting_.push_back(waiting);
  }
  loop_.post([this, waiting] {
    if (!waiting->is_settled) settle();
  });
  waiting.reset();
  try {
    return done.get();
  } catch (const std::future_error&) {
    return fail(Errc::kCanceled, "the server is going down");
  }
}

void GroupCommit::settle() {
  std::vector<std::shared_ptr<Waiting>> batch;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& one : waiting_) {
      if (auto waiting = one.lock()) batch.push_back(std::move(waiting));
    }
    waiting_.clear();
  }
  const Status together = store_.transaction([&]() -> Status {
    for (const auto& one : batch) TG_CHECK(one->work());
    return {};
  });
  const bool alone = !together && batch.size() > 1;
  for (const auto& one : batch) {
    one->is_settled = true;
    one->done.set_value(alone ? store_.transaction(one->work) : together);
  }
}

}  // namespace tidegate::app
