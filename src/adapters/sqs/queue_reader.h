// QueueReader: hands a queue's messages to who makes them durable, and deletes them after that.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

#include "adapters/sqs/queue_api.h"

namespace tidegate::sqs {

/// What became of a message. Good: it is durable, and is deleted. kUnavailable, kCanceled, kInternal: not
/// now; it comes again soon. Any other error: never; it is left to the queue's redrive policy.
using Take = std::function<Status(const QueueMessage& message)>;
/// Told of a message that was refused, each time it is.
using Refused = std::function<void(const QueueMessage& message, const Error& why)>;

/// What one round has come to; the decision is next_pause's.
struct Round {
  std::size_t taken = 0;
  std::size_t refused = 0;
  std::size_t postponed = 0;
  bool answered = true;  ///< the queue did
};

/// How long to wait before the next round: nothing after one that went well, else 1, 2, 4 … 60 s.
Millis next_pause(const Round& round, int bad_rounds_before);

/// Reads on a thread of its own from start() to stop(); stop() ends the long poll and waits for the message
/// in hand. Messages of one round do not wait for each other's fate.
class QueueReader {
 public:
  QueueReader(QueueSettings settings, const Clock& clock, Take take, Refused refused);
  ~QueueReader() { stop(); }
  QueueReader(const QueueReader&) = delete;
  QueueReader& operator=(const QueueReader&) = delete;

  void start();
  void stop();

  /// One long poll and what follows from it; for tests, and the thread.
  Round round(Seconds wait);

 private:
  void run();
  void settle(const QueueMessage& message, std::vector<QueueMessage>& done, Round& round);
  void went_down(const Error& why);

  std::string url_;
  QueueApi api_;
  Take take_;
  Refused refused_;
  sys::StopFlag stop_;
  std::mutex mutex_;
  std::condition_variable stopped_;
  bool was_down_ = false;
  std::thread thread_;
};

}  // namespace tidegate::sqs
