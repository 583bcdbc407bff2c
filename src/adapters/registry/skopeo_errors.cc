#include "adapters/registry/skopeo_errors.h"

#include <array>
#include <string>

#include <fmt/core.h>

#include "base/text.h"

namespace tidegate::registry {
namespace {

struct Rule {
  std::string_view words;
  Errc code;
};

// In order: the first that fits decides. Registries answer 401 to a push that the login may not do, so denial
// stands before "unknown".
constexpr std::array<Rule, 27> kRules = {{
    {"x509:", Errc::kEnvironment},
    {"server gave HTTP response to HTTPS client", Errc::kEnvironment},
    {"connection refused", Errc::kUnavailable},
    {"no such host", Errc::kUnavailable},
    {"i/o timeout", Errc::kUnavailable},
    {"TLS handshake timeout", Errc::kUnavailable},
    {"connection reset", Errc::kUnavailable},
    {"no route to host", Errc::kUnavailable},
    {"network is unreachable", Errc::kUnavailable},
    {"Temporary failure in name resolution", Errc::kUnavailable},
    {"context deadline exceeded", Errc::kUnavailable},
    {"unexpected EOF", Errc::kUnavailable},
    {"toomanyrequests", Errc::kUnavailable},
    {"429 ", Errc::kUnavailable},
    {"500 ", Errc::kUnavailable},
    {"502 ", Errc::kUnavailable},
    {"503 ", Errc::kUnavailable},
    {"504 ", Errc::kUnavailable},
    {"unauthorized", Errc::kDenied},
    {"authentication required", Errc::kDenied},
    {"invalid username/password", Errc::kDenied},
    {"access to the resource is denied", Errc::kDenied},
    {"denied:", Errc::kDenied},
    {"403 ", Errc::kDenied},
    {"manifest unknown", Errc::kNotFound},
    {"name unknown", Errc::kNotFound},
    {"not found", Errc::kNotFound},
}};

std::string last_words(std::string_view text) {
  std::string line;
  for (const auto& candidate : split(text, '\n'))
    if (!trim(candidate).empty()) line = std::string(trim(candidate));
  // logrus: time="…" level=fatal msg="…"
  if (const auto message = line.find("msg=\""); message != std::string::npos) {
    line = line.substr(message + 5);
    if (line.ends_with('"')) line.pop_back();
    line = replace_all(std::move(line), "\\\"", "\"");
  }
  return printable(line, 600);
}

}  // namespace

Error skopeo_error(std::string_view what, std::string_view standard_error) {
  Errc code = Errc::kFailed;
  for (const auto& rule : kRules) {
    if (standard_error.find(rule.words) == std::string_view::npos) continue;
    code = rule.code;
    break;
  }
  const auto words = last_words(standard_error);
  return fail(code, fmt::format("{}: {}", what, words.empty() ? "skopeo failed and said nothing" : words));
}

}  // namespace tidegate::registry
