#include "adapters/http/wire.h"

#include <algorithm>
#include <array>
#include <iterator>

#include <fmt/format.h>

#include "base/text.h"

namespace tidegate::http {
namespace {

bool is_token(std::string_view name) {
  constexpr std::string_view kOther = "!#$%&'*+-.^_`|~";
  return !name.empty() && std::ranges::all_of(name, [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           kOther.find(c) != std::string_view::npos;
  });
}

// A line break would begin a header of somebody else's making.
bool is_value(std::string_view value) {
  return std::ranges::none_of(
      value, [](char c) { return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f; });
}

bool is_ours(std::string_view name, const AnswerHead& head) {
  const std::string lower = to_lower(name);
  return lower == "connection" || lower == "date" || lower == "transfer-encoding" ||
         (lower == "content-length" && head.content_length);
}

}  // namespace

std::string http_date(std::time_t when) {
  constexpr std::array<const char*, 7> kDays{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  constexpr std::array<const char*, 12> kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  std::tm tm{};
  ::gmtime_r(&when, &tm);
  return fmt::format("{}, {:02} {} {} {:02}:{:02}:{:02} GMT", kDays.at(static_cast<std::size_t>(tm.tm_wday)),
                     tm.tm_mday, kMonths.at(static_cast<std::size_t>(tm.tm_mon)), tm.tm_year + 1900,
                     tm.tm_hour, tm.tm_min, tm.tm_sec);
}

std::string head_text(const AnswerHead& head, const Headers& headers) {
  std::string text = fmt::format("HTTP/1.{} {} {}\r\n", head.version >= 11 ? 1 : 0, head.status, head.reason);
  const auto add = [&](std::string_view name, std::string_view value) {
    fmt::format_to(std::back_inserter(text), "{}: {}\r\n", name, value);
  };
  for (const auto& [name, value] : headers) {
    if (is_token(name) && is_value(value) && !is_ours(name, head)) add(name, value);
  }
  add("Date", http_date(head.now));
  if (head.content_length) add("Content-Length", std::to_string(*head.content_length));
  if (head.chunked) add("Transfer-Encoding", "chunked");
  // Each version's own default needs no words.
  if (!head.keep_alive && head.version >= 11) add("Connection", "close");
  if (head.keep_alive && head.version < 11) add("Connection", "keep-alive");
  return text + "\r\n";
}

std::string error_json(unsigned status, std::string_view reason, std::string_view detail) {
  const std::string text =
      fmt::format("{} {}{}{}", status, reason, detail.empty() ? "" : ": ", printable(detail));
  return fmt::format(R"({{"message":"{}"}})", replace_all(replace_all(text, "\\", "\\\\"), "\"", "\\\""));
}

bool status_has_body(unsigned status) {
  return status >= 200 && status != 204 && status != 304;
}

}  // namespace tidegate::http
