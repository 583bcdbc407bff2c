#include "image/reference.h"

#include <algorithm>

#include <fmt/core.h>

#include "base/text.h"

namespace tidegate::image {
namespace {

constexpr std::size_t kMaxName = 255;
constexpr std::size_t kMaxTag = 128;

bool is_lower_alnum(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}
bool is_alnum(char c) {
  return is_lower_alnum(c) || (c >= 'A' && c <= 'Z');
}

// One part of a repository path: [a-z0-9]+ ((\.|_|__|-+) [a-z0-9]+)*
bool is_path_part(std::string_view part) {
  if (part.empty() || !is_lower_alnum(part.front()) || !is_lower_alnum(part.back())) return false;
  for (std::size_t i = 0; i < part.size();) {
    if (is_lower_alnum(part[i])) {
      ++i;
      continue;
    }
    std::size_t end = i;
    while (end < part.size() && !is_lower_alnum(part[end])) ++end;
    const std::string_view separator = part.substr(i, end - i);
    const bool dashes = std::ranges::all_of(separator, [](char c) { return c == '-'; });
    if (!dashes && separator != "." && separator != "_" && separator != "__") return false;
    i = end;
  }
  return true;
}

bool is_port(std::string_view text) {
  const auto number = parse_integer(text);
  return !text.empty() && text.front() != '+' && number && *number > 0 && *number <= 65535;
}

bool is_registry(std::string_view text) {
  std::string_view host = text;
  if (text.starts_with('[')) {  // IPv6
    const auto close = text.find(']');
    if (close == std::string_view::npos || close < 3) return false;
    const auto inner = text.substr(1, close - 1);
    const auto rest = text.substr(close + 1);
    return inner.find_first_not_of("0123456789abcdefABCDEF:.") == std::string_view::npos &&
           (rest.empty() || (rest.front() == ':' && is_port(rest.substr(1))));
  }
  if (const auto colon = text.find(':'); colon != std::string_view::npos) {
    if (!is_port(text.substr(colon + 1))) return false;
    host = text.substr(0, colon);
  }
  if (host.empty()) return false;
  for (const auto& label : split(host, '.')) {
    if (label.empty() || label.front() == '-' || label.back() == '-') return false;
    if (!std::ranges::all_of(label, [](char c) { return is_alnum(c) || c == '-'; })) return false;
  }
  return true;
}

bool names_a_host(std::string_view first) {
  return first == "localhost" || first.find_first_of(".:[") != std::string_view::npos;
}

Error wrong(std::string_view text, std::string_view why) {
  return fail(Errc::kInvalid, fmt::format("image reference '{}': {}", printable(text), why));
}

}  // namespace

bool is_digest(std::string_view text) {
  constexpr std::string_view kPrefix = "sha256:";
  if (!text.starts_with(kPrefix) || text.size() != kPrefix.size() + 64) return false;
  return std::ranges::all_of(text.substr(kPrefix.size()),
                             [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

bool is_tag(std::string_view text) {
  if (text.empty() || text.size() > kMaxTag || !(is_alnum(text.front()) || text.front() == '_')) return false;
  return std::ranges::all_of(text, [](char c) { return is_alnum(c) || c == '_' || c == '.' || c == '-'; });
}

std::string Reference::pinned() const {
  if (!digest.empty()) return name() + "@" + digest;
  return name() + ":" + (tag.empty() ? std::string("latest") : tag);
}

Result<Reference> parse_reference(std::string_view text) {
  Reference out;
  std::string_view rest = text;
  if (const auto at = rest.find('@'); at != std::string_view::npos) {
    out.digest = std::string(rest.substr(at + 1));
    if (!is_digest(out.digest)) return wrong(text, "the digest is not sha256:<64 hex digits>");
    rest = rest.substr(0, at);
  }
  // A colon after the last slash begins the tag; one before it is the registry's port.
  const auto slash = rest.rfind('/');
  if (const auto colon = rest.rfind(':');
      colon != std::string_view::npos && (slash == std::string_view::npos || colon > slash)) {
    out.tag = std::string(rest.substr(colon + 1));
    if (!is_tag(out.tag))
      return wrong(text, "the tag is empty, too long or has characters that tags must not");
    rest = rest.substr(0, colon);
  }
  const auto first_slash = rest.find('/');
  const auto first = rest.substr(0, first_slash);
  if (first_slash != std::string_view::npos && names_a_host(first)) {
    if (!is_registry(first)) return wrong(text, "the registry is not host[:port]");
    out.registry = std::string(first);
    rest = rest.substr(first_slash + 1);
  } else {
    out.registry = "docker.io";
  }
  if (rest.empty()) return wrong(text, "no repository");
  for (const auto& part : split(rest, '/'))
    if (!is_path_part(part))
      return wrong(text, fmt::format("'{}' cannot be part of a repository's name", printable(part)));
  out.repository = std::string(rest);
  if (out.registry == "docker.io" && out.repository.find('/') == std::string::npos)
    out.repository = "library/" + out.repository;
  if (out.name().size() > kMaxName) return wrong(text, "longer than 255 characters");
  return out;
}

}  // namespace tidegate::image
