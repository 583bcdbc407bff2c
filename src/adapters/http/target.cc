#include "adapters/http/target.h"

#include "base/text.h"

namespace tidegate::http {
namespace {

// "http://host/path" → "/path": what a client sends when it takes us for a proxy (RFC 9112, section 3.2.2).
std::string_view origin_form(std::string_view target) {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (!target.starts_with(scheme)) continue;
    const auto path = target.find_first_of("/?", scheme.size());
    return path == std::string_view::npos ? "/" : target.substr(path);
  }
  return target;
}

Result<std::string> decode_segment(std::string_view raw) {
  auto text = percent_decode(raw);
  if (!text) return fail(Errc::kInvalid, "a % without two hex digits in the path");
  if (text->find('\0') != std::string::npos) return fail(Errc::kInvalid, "NUL in the path");
  if (*text == "." || *text == "..") return fail(Errc::kInvalid, "\".\" or \"..\" in the path");
  return *std::move(text);
}

std::string decode_or_keep(std::string_view raw) {
  auto text = percent_decode(raw, true);
  return text ? *std::move(text) : std::string(raw);
}

}  // namespace

std::vector<std::pair<std::string, std::string>> parse_query(std::string_view query) {
  std::vector<std::pair<std::string, std::string>> pairs;
  while (!query.empty()) {
    const auto end = query.find('&');
    const auto pair = query.substr(0, end);
    query = end == std::string_view::npos ? std::string_view() : query.substr(end + 1);
    if (pair.empty()) continue;
    const auto equals = pair.find('=');
    pairs.emplace_back(decode_or_keep(pair.substr(0, equals)),
                       equals == std::string_view::npos ? "" : decode_or_keep(pair.substr(equals + 1)));
  }
  return pairs;
}

Result<Target> parse_target(std::string_view target) {
  Target result;
  if (target == "*") {
    result.raw_path = "*";
    return result;
  }
  target = origin_form(target);
  const auto question = target.find('?');
  const auto path = target.substr(0, question);
  if (question != std::string_view::npos) result.query = parse_query(target.substr(question + 1));
  if (!path.starts_with('/') && !(path.empty() && question == 0)) {
    return fail(Errc::kInvalid, "the request target does not begin with '/'");
  }
  result.raw_path = path.empty() ? "/" : std::string(path);
  std::string_view rest = std::string_view(result.raw_path).substr(1);
  while (!rest.empty()) {
    const auto end = rest.find('/');
    TG_TRY(auto segment, decode_segment(rest.substr(0, end)));
    result.segments.push_back(std::move(segment));
    rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
  }
  return result;
}

}  // namespace tidegate::http
