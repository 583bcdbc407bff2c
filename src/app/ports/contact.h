// Contact: what stores and queues send beside events.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/id.h"
#include "base/time.h"

namespace tidegate::app {

/// What came from a store or a queue and is no event, told once however often it comes.
enum class ContactKind : std::uint8_t {
  kTest,        ///< a store's test event: the way from there to here works
  kSubscribed,  ///< an SNS topic's subscription was confirmed
  kRefused,     ///< a message that could not be taken
};
std::string_view to_string(ContactKind kind);

struct Contact {
  ProjectId project;
  std::string source;  ///< empty: the message did not say whose it is
  ContactKind kind = ContactKind::kTest;
  std::string channel;  ///< "hook", or the queue's URL
  std::string subject;  ///< the bucket, the topic, the message's id
  std::string detail;   ///< for people
  std::int64_t count = 1;
  Instant first_at{};
  Instant last_at{};
};

}  // namespace tidegate::app
