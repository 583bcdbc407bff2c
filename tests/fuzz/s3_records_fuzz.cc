// Messages that anybody may post to a hook or a queue, and listings that a server may send.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "adapters/s3/listing.h"
#include "adapters/s3/messages.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto message = tidegate::s3::parse_message(text)) {
    if (message->events.size() + message->tests.size() + message->ignored > 2 * tidegate::s3::kMaxRecords) {
      std::abort();
    }
    for (const auto& event : message->events) {
      if (event.bucket.empty() || event.key.size() > 4096) std::abort();
      if (tidegate::dataset::identity(event).size() != 64) std::abort();
    }
  }
  if (const auto page = tidegate::s3::parse_list_page(text)) {
    if (page->truncated && page->next_token.empty()) std::abort();
  }
  static_cast<void>(tidegate::s3::parse_fault(text));
  return 0;
}
