#include "adapters/http/cgi_head.h"

#include "base/text.h"

namespace tidegate::http {

Result<std::optional<CgiHead>> parse_cgi_head(std::string_view output) {
  CgiHead head;
  for (;;) {
    const auto end = output.find('\n', head.size);
    if (end == std::string_view::npos) return std::nullopt;
    auto line = output.substr(head.size, end - head.size);
    head.size = end + 1;
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty()) return head;
    const auto colon = line.find(':');
    if (colon == 0 || colon == std::string_view::npos) {
      return fail(Errc::kInvalid, "not a header: " + printable(line));
    }
    const auto name = line.substr(0, colon);
    const auto value = trim(line.substr(colon + 1));
    if (to_lower(name) != "status") {
      head.headers.emplace_back(name, value);
      continue;
    }
    const auto code = parse_integer(value.substr(0, 3));
    if (!code || *code < 200 || *code > 599) return fail(Errc::kInvalid, "not a status: " + printable(value));
    head.status = static_cast<unsigned>(*code);
  }
}

}  // namespace tidegate::http
