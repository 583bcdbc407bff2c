// What SNS posts to an HTTP endpoint, and what its signature covers. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace tidegate::sns {

enum class Kind : unsigned char { kNotification, kSubscriptionConfirmation, kUnsubscribeConfirmation };

struct Message {
  Kind kind = Kind::kNotification;
  std::string message_id;
  std::string topic;  ///< TopicArn
  std::string message;
  std::string timestamp;
  std::optional<std::string> subject;  ///< of notifications; signed when it is there
  std::string token;                   ///< of confirmations
  std::string subscribe_url;           ///< of confirmations
  std::string signature_version;       ///< "1": SHA-1, "2": SHA-256
  std::string signature;               ///< decoded
  std::string certificate_url;
};

/// Nothing: the body is none of SNS's. kInvalid: it is, and a member is missing or wrong.
Result<std::optional<Message>> read_message(std::string_view body);

/// The text that is signed: the members' names and values, each on a line, in this order. Source: SNS
/// developer guide, "Verifying the signatures of Amazon SNS messages".
std::string canonical(const Message& message);

/// kDenied unless the address is https://sns.<region>.amazonaws.com/… or ….amazonaws.com.cn, with no other
/// port and no user: what a message names is fetched from SNS and from nowhere else.
Status check_address(std::string_view url);

}  // namespace tidegate::sns
