// Messages about objects, taken out of the envelopes that they travel in. Pure.
#pragma once

#include <cstddef>
#include <string_view>

#include "base/result.h"
#include "dataset/announcement.h"

namespace tidegate::s3 {

inline constexpr std::size_t kMaxMessage = 1U << 20U;  ///< bytes; SNS, SQS and Lambda carry no more
inline constexpr std::size_t kMaxRecords = 10'000;     ///< of one message, all envelopes together
inline constexpr int kMaxEnvelopes = 6;                ///< one in another; S3 → SNS → SQS → Lambda are three

/// S3 records ({"Records": […]}, or the list alone), and what carries them, in any order:
/// - SNS: {"Type": "Notification", "Message": "…"}, in a Lambda event Records[].Sns.Message
/// - SQS: Records[].body in a Lambda event, Body of a received message, Messages[] of an answer
/// - EventBridge: {"detail-type": "Object Created", "detail": {…}}
/// - S3's test event, which has no records
/// kInvalid, with the place: not JSON, too large, too deep, nothing of the above, a field that is missing or
/// wrong. One wrong record refuses the whole message: what we do not understand must not look received.
Result<dataset::Announcement> parse_message(std::string_view message);

}  // namespace tidegate::s3
