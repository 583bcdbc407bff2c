#include "base/signed_body.h"

#include <cstdlib>

#include "base/secret.h"
#include "base/sha256.h"
#include "base/text.h"

namespace tidegate {

std::string sign_body(const std::string& key, std::string_view timestamp, std::string_view body) {
  std::string text(timestamp);
  text += '.';
  text += body;
  return "sha256=" + to_hex(hmac_sha256(key, text));
}

Status verify_body(const std::string& key, std::string_view timestamp, const std::string& signature,
                   std::string_view body, Instant now) {
  const auto seconds = parse_integer(timestamp);
  const auto today = std::chrono::floor<Seconds>(now.time_since_epoch()).count();
  // Compared before it is subtracted: the number may be any.
  const bool in_time =
      seconds && *seconds >= today - kSignatureLife.count() && *seconds <= today + kSignatureLife.count();
  if (!in_time) {
    return fail(Errc::kDenied, "the signature's timestamp is not within 5 minutes of this server's clock");
  }
  if (key.empty() || !equal_in_constant_time(sign_body(key, timestamp, body), to_lower(signature))) {
    return fail(Errc::kDenied, "the signature is not that of this body and timestamp");
  }
  return {};
}

}  // namespace tidegate
