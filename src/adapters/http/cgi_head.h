// The head of a CGI program's output (RFC 3875, section 6).
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "adapters/http/message.h"
#include "base/result.h"

namespace tidegate::http {

struct CgiHead {
  unsigned status = 200;
  Headers headers;       ///< without Status
  std::size_t size = 0;  ///< bytes of the head with its empty line; the body begins there
};

/// Nothing: the head is not complete yet. kInvalid: a line that is no header, or a Status that is none.
Result<std::optional<CgiHead>> parse_cgi_head(std::string_view output);

}  // namespace tidegate::http
