// Exchange: one request's answer on its way from whoever holds the Reply (any thread) to the connection (the
// I/O thread).
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "adapters/http/message.h"

namespace tidegate::http {

class Exchange final : public Reply::Sink {
 public:
  /// `wake` tells the connection to look at take(); called on any thread, never after detach().
  Exchange(std::size_t buffer, std::function<void()> wake) : buffer_(buffer), wake_(std::move(wake)) {}

  // The Reply's side.
  void send(Response response) override;
  void start(unsigned status, Headers headers) override;
  bool write(std::string_view bytes) override;
  bool try_write(std::string_view bytes) override;
  void finish() override;
  void abandon() override;
  bool gone() const override;
  void on_gone(std::function<void()> callback) override;

  // The connection's side.

  /// What to do next; kWait: nothing yet, `wake` will come.
  struct Step {
    enum class Kind : unsigned char { kWait, kWhole, kHead, kBytes, kEnd, kCut };
    Kind kind = Kind::kWait;
    Response response;  ///< of kWhole; status and headers of kHead
    std::string bytes;  ///< of kBytes
  };
  Step take();

  /// The client has gone: writers are released, on_gone is called. The answer may still be taken.
  void client_gone();
  /// The connection takes nothing more. Afterwards the Reply talks to nobody.
  void detach();

 private:
  void notify_locked();

  const std::size_t buffer_;
  mutable std::mutex mutex_;
  std::condition_variable room_;
  std::function<void()> wake_;
  std::function<void()> on_gone_;
  std::optional<Response> whole_;
  std::optional<Response> head_;
  std::deque<std::string> queue_;
  std::size_t queued_ = 0;
  bool started_ = false;
  bool finished_ = false;
  bool abandoned_ = false;
  bool gone_ = false;
};

}  // namespace tidegate::http
