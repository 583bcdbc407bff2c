// Answers that a server may send to the Lambda function, in pieces, and addresses.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "adapters/lambda/http_wire.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tidegate::lambda;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::size_t step = size == 0 ? 1 : 1 + data[0] % 17;
  ResponseReader reader;
  bool good = true;
  for (std::size_t at = 0; good && at < size; at += step) {
    good = reader.feed(text.substr(at, step)).has_value();
  }
  if (good && reader.finish()) {
    const auto response = reader.take();
    if (response.status < 200 || response.status > 599 || response.body.size() > kMaxBody) std::abort();
  }
  if (const auto address = parse_url(text)) {
    if (address->host.empty() || !address->target.starts_with('/')) std::abort();
    HttpRequest request;
    request.to = *address;
    const std::string wire = to_wire(request);
    // Four lines and the empty one: nothing of the address begins a line of its own.
    if (std::ranges::count(wire, '\n') != 4) std::abort();
  }
  return 0;
}
