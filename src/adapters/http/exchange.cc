#include "adapters/http/exchange.h"

#include <algorithm>
#include <utility>

namespace tidegate::http {

void Exchange::notify_locked() {
  if (wake_) wake_();
}

void Exchange::send(Response response) {
  const std::lock_guard lock(mutex_);
  if (started_) return;
  started_ = finished_ = true;
  whole_ = std::move(response);
  notify_locked();
}

void Exchange::start(unsigned status, Headers headers) {
  const std::lock_guard lock(mutex_);
  if (started_) return;
  started_ = true;
  head_ = Response{status, std::move(headers), {}};
  notify_locked();
}

bool Exchange::write(std::string_view bytes) {
  // In pieces, so that one large write does not hold more than the buffer either.
  while (!bytes.empty()) {
    const auto piece = bytes.substr(0, std::max<std::size_t>(1, buffer_ / 2));
    std::unique_lock lock(mutex_);
    room_.wait(lock, [&] { return gone_ || queue_.empty() || queued_ + piece.size() <= buffer_; });
    if (gone_ || !started_ || finished_) return false;
    queue_.emplace_back(piece);
    queued_ += piece.size();
    bytes.remove_prefix(piece.size());
    notify_locked();
  }
  const std::lock_guard lock(mutex_);
  return !gone_;
}

bool Exchange::try_write(std::string_view bytes) {
  const std::lock_guard lock(mutex_);
  if (gone_ || !started_ || finished_) return false;
  if (!queue_.empty() && queued_ + bytes.size() > buffer_) return false;
  if (bytes.empty()) return true;
  queue_.emplace_back(bytes);
  queued_ += bytes.size();
  notify_locked();
  return true;
}

void Exchange::finish() {
  const std::lock_guard lock(mutex_);
  finished_ = true;
  notify_locked();
}

void Exchange::abandon() {
  const std::lock_guard lock(mutex_);
  if (finished_) return;
  abandoned_ = true;
  notify_locked();
}

bool Exchange::gone() const {
  const std::lock_guard lock(mutex_);
  return gone_;
}

void Exchange::on_gone(std::function<void()> callback) {
  {
    const std::lock_guard lock(mutex_);
    if (!gone_) {
      on_gone_ = std::move(callback);
      return;
    }
  }
  callback();
}

Exchange::Step Exchange::take() {
  const std::lock_guard lock(mutex_);
  using Kind = Step::Kind;
  if (whole_) {
    Step step{Kind::kWhole, *std::move(whole_), {}};
    whole_.reset();
    return step;
  }
  if (head_) {
    Step step{Kind::kHead, *std::move(head_), {}};
    head_.reset();
    return step;
  }
  if (!queue_.empty()) {
    Step step{Kind::kBytes, {}, std::move(queue_.front())};
    queue_.pop_front();
    queued_ -= step.bytes.size();
    room_.notify_all();
    return step;
  }
  if (abandoned_)
    return {started_ ? Kind::kCut : Kind::kWhole,
            Response::json(500, R"({"message":"500 Internal Server Error"})"),
            {}};
  return {finished_ ? Kind::kEnd : Kind::kWait, {}, {}};
}

void Exchange::client_gone() {
  std::function<void()> callback;
  {
    const std::lock_guard lock(mutex_);
    if (gone_) return;
    gone_ = true;
    callback = std::exchange(on_gone_, nullptr);
    room_.notify_all();
  }
  if (callback) callback();
}

void Exchange::detach() {
  std::function<void()> callback;
  {
    const std::lock_guard lock(mutex_);
    wake_ = nullptr;
    // A complete answer was delivered; then nobody is told that the client went.
    if (!gone_ && !(finished_ && queue_.empty())) callback = std::exchange(on_gone_, nullptr);
    on_gone_ = nullptr;
    gone_ = true;
    queue_.clear();
    queued_ = 0;
    room_.notify_all();
  }
  if (callback) callback();
}

}  // namespace tidegate::http
