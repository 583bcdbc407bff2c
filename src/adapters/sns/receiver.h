// Receiver: believes SNS's messages when their signature is right, and confirms subscriptions.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "adapters/sns/message.h"
#include "base/time.h"

namespace tidegate::sns {

/// GET of an address whose host has been checked; the body of a 2xx answer. Over TLS that it verifies.
using Fetch = std::function<Result<std::string>(const std::string& url)>;

/// Thread-safe.
class Receiver {
 public:
  Receiver(Fetch fetch, const Clock& clock) : fetch_(std::move(fetch)), clock_(clock) {}

  /// Nothing: the body is none of SNS's. Of a SubscriptionConfirmation the subscription is confirmed when
  /// this returns. kDenied: the signature is wrong, or the certificate or the confirmation is not at SNS.
  /// kUnavailable: SNS does not answer; it will send the message again.
  Result<std::optional<Message>> take(std::string_view body);

  /// kDenied: not signed by the certificate's key, or the certificate is not valid at this time.
  static Status verify(const Message& message, const std::string& certificate_pem, Instant now);

 private:
  Result<std::string> certificate(const std::string& url);
  /// One that a good signature was checked with.
  void remember(const std::string& url, const std::string& pem);

  Fetch fetch_;
  const Clock& clock_;
  std::mutex mutex_;
  std::map<std::string, std::string> certificates_;  ///< by address; SNS renews them under new names
};

}  // namespace tidegate::sns
