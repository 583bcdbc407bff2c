// The head of an answer as it goes over the wire (RFC 9112).
#pragma once

#include <cstdint>
#include <ctime>
#include <optional>
#include <string>
#include <string_view>

#include "adapters/http/message.h"

namespace tidegate::http {

struct AnswerHead {
  unsigned version = 11;  ///< of the request: 10 or 11
  unsigned status = 200;
  std::string_view reason;  ///< "OK"
  bool keep_alive = true;
  bool chunked = false;
  std::optional<std::uint64_t> content_length;
  std::time_t now = 0;
};

/// Everything up to and with the empty line. Headers whose name or value would break the head (line breaks,
/// and what cannot be a name) are left out, and so are those that the server decides itself: Connection,
/// Date, Transfer-Encoding, and Content-Length when `content_length` is given.
std::string head_text(const AnswerHead& head, const Headers& headers);

/// "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110, section 5.6.7).
std::string http_date(std::time_t when);

/// {"message":"400 Bad Request: …"}, as API v4 answers errors.
std::string error_json(unsigned status, std::string_view reason, std::string_view detail);

/// False for 1xx, 204 and 304, which have none whatever their headers say.
bool status_has_body(unsigned status);

}  // namespace tidegate::http
