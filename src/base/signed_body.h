// Bodies that are signed with a shared key, so that the key itself need not travel. Pure.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"

namespace tidegate {

/// How far the sender's clock may be off, and how long a signature can be used again.
inline constexpr Seconds kSignatureLife{300};

/// "sha256=<hex>": HMAC-SHA256 under `key` of "<timestamp>.<body>"; the timestamp in decimal seconds since
/// 1970, as it is sent.
std::string sign_body(const std::string& key, std::string_view timestamp, std::string_view body);

/// kDenied: the timestamp is no number or more than kSignatureLife from `now`, or the signature is another.
Status verify_body(const std::string& key, std::string_view timestamp, const std::string& signature,
                   std::string_view body, Instant now);

}  // namespace tidegate
