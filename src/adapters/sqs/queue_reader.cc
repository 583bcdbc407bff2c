#include "adapters/sqs/queue_reader.h"

#include <algorithm>

#include "base/log.h"
#include "base/text.h"

namespace tidegate::sqs {
namespace {

constexpr Seconds kLongPoll{20};  // the most that SQS waits
// A message that cannot be taken now comes again after this, whatever the queue's visibility timeout is.
constexpr Seconds kComesAgain{5};

bool is_for_now(Errc code) {
  return code == Errc::kUnavailable || code == Errc::kCanceled || code == Errc::kInternal;
}

}  // namespace

Millis next_pause(const Round& round, int bad_rounds_before) {
  const bool stuck = round.taken == 0 && round.refused > 0;
  if (round.answered && round.postponed == 0 && !stuck) return Millis{0};
  return Millis{1000} * std::min(1 << std::min(bad_rounds_before, 6), 60);
}

QueueReader::QueueReader(QueueSettings settings, const Clock& clock, Take take, Refused refused)
    : url_(settings.url),
      api_(std::move(settings), clock),
      take_(std::move(take)),
      refused_(std::move(refused)) {}

void QueueReader::start() {
  thread_ = std::thread([this] { run(); });
}

void QueueReader::stop() {
  {
    const std::lock_guard lock(mutex_);
    stop_.request_stop();
  }
  stopped_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void QueueReader::run() {
  int bad_rounds = 0;
  while (!stop_.stop_requested()) {
    const Millis pause = next_pause(round(kLongPoll), bad_rounds);
    bad_rounds = pause == Millis{0} ? 0 : bad_rounds + 1;
    std::unique_lock lock(mutex_);
    stopped_.wait_for(lock, pause, [this] { return stop_.stop_requested(); });
  }
}

void QueueReader::went_down(const Error& why) {
  if (!was_down_) log::warn("sqs", "{}: {}; trying again", url_, why.message);
  was_down_ = true;
}

Round QueueReader::round(Seconds wait) {
  Round round;
  const auto messages = api_.receive(wait, stop_);
  if (!messages) {
    round.answered = false;
    if (messages.error().code != Errc::kCanceled) went_down(messages.error());
    return round;
  }
  if (was_down_) log::info("sqs", "{}: answers again", url_);
  was_down_ = false;
  std::vector<QueueMessage> done;
  for (const QueueMessage& message : *messages) settle(message, done, round);
  // One that was not deleted comes again, and is a duplicate then.
  if (const auto removed = api_.remove(done); !removed) {
    log::warn("sqs", "{}: {}", url_, removed.error().message);
  }
  return round;
}

void QueueReader::settle(const QueueMessage& message, std::vector<QueueMessage>& done, Round& round) {
  const Status taken = take_(message);
  if (taken) {
    ++round.taken;
    done.push_back(message);
  } else if (is_for_now(taken.error().code)) {
    ++round.postponed;
    log::debug("sqs", "{}: {} waits: {}", url_, message.id, taken.error().message);
    if (const Status released = api_.release(message, kComesAgain); !released) went_down(released.error());
  } else {
    ++round.refused;
    if (message.receive_count <= 1) {
      log::warn("sqs", "{}: message {} is left to the queue: {}", url_, printable(message.id),
                taken.error().message);
    }
    refused_(message, taken.error());
  }
}

}  // namespace tidegate::sqs
