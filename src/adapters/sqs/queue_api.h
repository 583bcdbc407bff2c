// The few calls of Amazon SQS that a reader of a queue needs. JSON protocol, signed.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "sys/http_client.h"
#include "sys/sigv4.h"

namespace tidegate::sqs {

struct QueueSettings {
  std::string url;  ///< as CreateQueue gave it; where requests go, too
  std::string region;
  sys::Credentials credentials;
  std::optional<std::filesystem::path> ca_file;  ///< instead of the system's bundle
};

struct QueueMessage {
  std::string id;
  std::string receipt;  ///< what it is deleted by; of this receipt only
  std::string body;
  int receive_count = 1;
};

/// One thread at a time. Errors: kUnavailable (no answer, throttled, 5xx), kDenied (credentials, policy),
/// kNotFound (no such queue), kInvalid (an answer that is none).
/// Source: Amazon SQS API reference, AWS JSON protocol (X-Amz-Target: AmazonSQS.…).
class QueueApi {
 public:
  QueueApi(QueueSettings settings, const Clock& clock);

  /// Up to 10 messages; waits up to `wait` for the first. `stop` ends the waiting (kCanceled).
  Result<std::vector<QueueMessage>> receive(Seconds wait, const sys::StopFlag& stop);
  /// How many of them were deleted; one that was not is received again some time.
  Result<std::size_t> remove(const std::vector<QueueMessage>& messages);
  /// It is received again after `delay`, not at the end of the queue's own visibility timeout.
  Status release(const QueueMessage& message, Seconds delay);

 private:
  Result<std::string> call(const std::string& action, const std::string& body, Millis timeout,
                           const sys::StopFlag* stop);

  QueueSettings settings_;
  std::string host_;
  std::string base_;  ///< scheme and host
  const Clock& clock_;
  sys::HttpClient client_;
};

}  // namespace tidegate::sqs
