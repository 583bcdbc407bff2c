// What anybody may post as a message of SNS.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "adapters/sns/message.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tidegate::sns;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto message = read_message(text); message && *message) {
    if (!canonical(**message).starts_with("Message\n")) std::abort();
  }
  // Whatever is fetched is fetched from SNS: no client reads another host out of such an address.
  if (check_address(text)) {
    const std::size_t slash = text.find('/', 8);
    if (!text.starts_with("https://sns.") || slash == std::string_view::npos) std::abort();
    if (text.substr(0, slash).find_first_of("@\\?#:\n ", 8) != std::string_view::npos) std::abort();
  }
  return 0;
}
