// Request targets and CGI heads: what a client and a child process may send.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "adapters/http/cgi_head.h"
#include "adapters/http/target.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto target = tidegate::http::parse_target(text)) {
    for (const auto& segment : target->segments) {
      if (segment == "." || segment == ".." || segment.find('\0') != std::string::npos) std::abort();
    }
  }
  const auto head = tidegate::http::parse_cgi_head(text);
  if (head && *head && (*head)->size > size) std::abort();
  return 0;
}
