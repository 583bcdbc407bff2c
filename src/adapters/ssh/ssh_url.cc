#include "adapters/ssh/ssh_url.h"

#include <algorithm>

#include <fmt/core.h>

#include "base/text.h"

namespace tidegate::ssh {
namespace {

bool is_word(std::string_view text, std::string_view more) {
  if (text.empty() || text.size() > 253 || text.front() == '-') return false;
  return std::ranges::all_of(text, [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           more.find(c) != std::string_view::npos;
  });
}

Error wrong(std::string_view url, std::string_view why) {
  return fail(Errc::kInvalid,
              fmt::format("host '{}': {}; wanted is ssh://[user@]host[:port]", printable(url), why));
}

}  // namespace

Result<SshUrl> parse_ssh_url(std::string_view url) {
  constexpr std::string_view kScheme = "ssh://";
  if (!url.starts_with(kScheme)) return wrong(url, "not an ssh address");
  std::string_view rest = url.substr(kScheme.size());
  if (rest.ends_with('/')) rest.remove_suffix(1);
  SshUrl out;
  if (const auto at = rest.find('@'); at != std::string_view::npos) {
    out.user = std::string(rest.substr(0, at));
    if (!is_word(out.user, "._-+\\")) return wrong(url, "the user's name has characters that are not taken");
    rest = rest.substr(at + 1);
  }
  std::string_view port;
  if (rest.starts_with('[')) {
    const auto close = rest.find(']');
    if (close == std::string_view::npos) return wrong(url, "']' is missing");
    out.host = std::string(rest.substr(1, close - 1));
    if (!is_word(out.host, ".:%")) return wrong(url, "not an IPv6 address");
    port = rest.substr(close + 1);
  } else {
    const auto colon = rest.find(':');
    out.host = std::string(rest.substr(0, colon));
    if (!is_word(out.host, "._-")) return wrong(url, "the host's name has characters that are not taken");
    if (colon != std::string_view::npos) port = rest.substr(colon);
  }
  if (!port.empty()) {
    const auto number = parse_integer(port.substr(1));
    if (port.front() != ':' || !number || *number < 1 || *number > 65535)
      return wrong(url, "the port is not one");
    out.port = static_cast<int>(*number);
  }
  return out;
}

}  // namespace tidegate::ssh
