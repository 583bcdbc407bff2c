#include "adapters/lambda/http_wire.h"

#include <algorithm>

#include <fmt/core.h>

#include "base/text.h"

namespace tidegate::lambda {
namespace {

bool has_control(std::string_view text) {
  return std::ranges::any_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

std::optional<std::size_t> hex_number(std::string_view text) {
  if (text.empty() || text.size() > 7) return std::nullopt;
  std::size_t out = 0;
  for (const char c : to_lower(text)) {
    const bool digit = c >= '0' && c <= '9';
    if (!digit && (c < 'a' || c > 'f')) return std::nullopt;
    out = out * 16 + static_cast<std::size_t>(digit ? c - '0' : c - 'a' + 10);
  }
  return out;
}

}  // namespace

Result<Address> parse_url(std::string_view url) {
  Address out;
  out.tls = url.starts_with("https://");
  if (!out.tls && !url.starts_with("http://")) {
    return fail(Errc::kInvalid, "an address begins with http:// or https://");
  }
  url.remove_prefix(out.tls ? 8 : 7);
  const std::size_t end = std::min(url.find_first_of("/?#"), url.size());
  std::string_view place = url.substr(0, end);
  out.target = url.substr(end, url.find('#') - end);
  if (!out.target.starts_with('/')) out.target.insert(0, "/");
  const bool bracketed = place.starts_with('[');
  const std::size_t close = bracketed ? place.find(']') : 0;
  const std::size_t colon = close == std::string_view::npos ? close : place.find(':', close);
  out.host =
      bracketed && close != std::string_view::npos ? place.substr(1, close - 1) : place.substr(0, colon);
  out.port =
      colon == std::string_view::npos ? (out.tls ? "443" : "80") : std::string(place.substr(colon + 1));
  const auto port = parse_integer(out.port);
  const bool odd = out.host.empty() || out.host.find_first_of("@[] ") != std::string::npos ||
                   has_control(url) || out.target.find(' ') != std::string::npos;
  if (odd || !port || *port < 1 || *port > 65535) return fail(Errc::kInvalid, "not an address of a server");
  return out;
}

std::string to_wire(const HttpRequest& request) {
  const bool usual = request.to.port == (request.to.tls ? "443" : "80");
  const bool is_v6 = request.to.host.find(':') != std::string::npos;
  const std::string host = is_v6 ? "[" + request.to.host + "]" : request.to.host;
  std::string out = fmt::format("{} {} HTTP/1.1\r\nHost: {}{}\r\nConnection: close\r\n", request.method,
                                request.to.target, host, usual ? "" : ":" + request.to.port);
  for (const auto& [name, value] : request.headers) {
    if (!has_control(name) && !has_control(value)) out += fmt::format("{}: {}\r\n", name, value);
  }
  if (request.method != "GET") out += fmt::format("Content-Length: {}\r\n", request.body.size());
  return out + "\r\n" + request.body;
}

Status ResponseReader::feed(std::string_view bytes) {
  raw_ += bytes;
  while (!in_body_) {
    const std::size_t end = raw_.find("\r\n\r\n");
    if (end == std::string::npos) {
      return raw_.size() <= kMaxHead ? Status() : fail(Errc::kInvalid, "the answer's head is too large");
    }
    TG_CHECK(read_head());
  }
  if (is_whole_) return {};
  if (is_chunked_) return read_chunks();
  if (raw_.size() > kMaxBody) return fail(Errc::kInvalid, "the answer is too large");
  if (length_ && raw_.size() >= *length_) {
    response_.body = raw_.substr(0, *length_);
    is_whole_ = true;
  }
  return {};
}

Status ResponseReader::read_head() {
  const std::size_t end = raw_.find("\r\n\r\n");
  const auto lines = split(std::string_view(raw_).substr(0, end), '\n');
  response_ = {};
  const std::string_view first = trim(lines.front());
  const auto status = first.size() < 12 ? std::nullopt : parse_integer(first.substr(9, 3));
  if (!first.starts_with("HTTP/1.") || !status || *status < 100 || *status > 599) {
    return fail(Errc::kInvalid, "the answer is not HTTP: " + printable(first, 80));
  }
  response_.status = static_cast<int>(*status);
  for (std::size_t i = 1; i < lines.size(); ++i) {
    const std::size_t colon = lines[i].find(':');
    if (colon == std::string::npos) continue;
    response_.headers[to_lower(trim(std::string_view(lines[i]).substr(0, colon)))] =
        std::string(trim(std::string_view(lines[i]).substr(colon + 1)));
  }
  raw_.erase(0, end + 4);
  if (response_.status < 200) return {};
  in_body_ = true;
  is_chunked_ = to_lower(response_.headers["transfer-encoding"]).find("chunked") != std::string::npos;
  const std::string length = response_.headers["content-length"];
  if (!is_chunked_ && !length.empty()) {
    const auto number = parse_integer(length);
    if (!number || *number < 0 || *number > static_cast<long long>(kMaxBody)) {
      return fail(Errc::kInvalid, "the answer is too large, or its Content-Length is no number");
    }
    length_ = static_cast<std::size_t>(*number);
  }
  is_whole_ = response_.status == 204 || length_ == std::size_t{0};
  return {};
}

Status ResponseReader::read_chunks() {
  while (true) {
    const std::size_t end = raw_.find("\r\n");
    if (end == std::string::npos) {
      return raw_.size() < kMaxHead ? Status() : fail(Errc::kInvalid, "a chunk without a size");
    }
    const std::string_view line = std::string_view(raw_).substr(0, end);
    const auto size = hex_number(trim(line.substr(0, line.find(';'))));
    if (!size || response_.body.size() + *size > kMaxBody) {
      return fail(Errc::kInvalid, "a chunk's size is wrong, or the answer is too large");
    }
    if (*size == 0) {
      is_whole_ = true;
      return {};
    }
    if (raw_.size() < end + 2 + *size + 2) return {};
    response_.body.append(raw_, end + 2, *size);
    raw_.erase(0, end + 2 + *size + 2);
  }
}

Status ResponseReader::finish() {
  if (is_whole_) return {};
  if (!in_body_ || is_chunked_ || length_) {
    return fail(Errc::kUnavailable, "the connection ended in the middle of the answer");
  }
  response_.body = std::exchange(raw_, {});
  is_whole_ = true;
  return {};
}

}  // namespace tidegate::lambda
