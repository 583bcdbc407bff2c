#include "base/time.h"

#include <array>
#include <cmath>
#include <utility>

#include <fmt/core.h>

#include "base/text.h"

namespace tidegate {
namespace {

struct Parts {
  std::chrono::year_month_day date;
  std::chrono::hh_mm_ss<Millis> time;
};

Parts parts_of(Instant when) {
  const auto day = std::chrono::floor<std::chrono::days>(when);
  return {std::chrono::year_month_day{day}, std::chrono::hh_mm_ss<Millis>{when - day}};
}

std::optional<int> digits(std::string_view text, std::size_t at, std::size_t count) {
  if (at + count > text.size()) return std::nullopt;
  int value = 0;
  for (std::size_t i = at; i < at + count; ++i) {
    if (text[i] < '0' || text[i] > '9') return std::nullopt;
    value = value * 10 + (text[i] - '0');
  }
  return value;
}

// ".123456Z" → 123 ms, and `text` is left at what follows the digits.
Millis take_fraction(std::string_view& text) {
  if (text.empty() || text.front() != '.') return Millis{0};
  text.remove_prefix(1);
  int millis = 0;
  int scale = 100;
  while (!text.empty() && text.front() >= '0' && text.front() <= '9') {
    millis += (text.front() - '0') * scale;
    scale /= 10;
    text.remove_prefix(1);
  }
  return Millis{millis};
}

std::optional<std::chrono::minutes> parse_offset(std::string_view text) {
  if (text.empty() || text == "Z" || text == "z") return std::chrono::minutes{0};
  if (text.size() != 6 || (text[0] != '+' && text[0] != '-') || text[3] != ':') return std::nullopt;
  const auto hours = digits(text, 1, 2);
  const auto minutes = digits(text, 4, 2);
  if (!hours || !minutes) return std::nullopt;
  const std::chrono::minutes offset{*hours * 60 + *minutes};
  return text[0] == '-' ? -offset : offset;
}

std::optional<double> unit_seconds(std::string_view unit) {
  static constexpr std::array<std::pair<std::string_view, double>, 28> kUnits{{
      {"s", 1},           {"sec", 1},          {"secs", 1},       {"second", 1},
      {"seconds", 1},     {"m", 60},           {"min", 60},       {"mins", 60},
      {"minute", 60},     {"minutes", 60},     {"h", 3600},       {"hr", 3600},
      {"hrs", 3600},      {"hour", 3600},      {"hours", 3600},   {"d", 86400},
      {"day", 86400},     {"days", 86400},     {"dy", 86400},     {"w", 604800},
      {"wk", 604800},     {"week", 604800},    {"weeks", 604800}, {"mo", 2592000},
      {"month", 2592000}, {"months", 2592000}, {"y", 31557600},   {"year", 31557600},
  }};
  for (const auto& [name, seconds] : kUnits) {
    if (name == unit) return seconds;
  }
  if (unit == "years") return 31557600;
  return std::nullopt;
}

}  // namespace

std::string format_iso8601(Instant when) {
  const auto [date, time] = parts_of(when);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     time.hours().count(), time.minutes().count(), time.seconds().count(),
                     time.subseconds().count());
}

std::string format_compact(Instant when) {
  const auto [date, time] = parts_of(when);
  return fmt::format("{:04}{:02}{:02}T{:02}{:02}{:02}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     time.hours().count(), time.minutes().count(), time.seconds().count());
}

std::optional<Instant> parse_iso8601(std::string_view text) {
  if (text.size() < 19 || text[4] != '-' || text[7] != '-' || (text[10] != 'T' && text[10] != ' '))
    return std::nullopt;
  if (text[13] != ':' || text[16] != ':') return std::nullopt;
  const auto year = digits(text, 0, 4);
  const auto month = digits(text, 5, 2);
  const auto day = digits(text, 8, 2);
  const auto hour = digits(text, 11, 2);
  const auto minute = digits(text, 14, 2);
  const auto second = digits(text, 17, 2);
  if (!year || !month || !day || !hour || !minute || !second) return std::nullopt;
  if (*hour > 23 || *minute > 59 || *second > 60) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year{*year},
                                         std::chrono::month{static_cast<unsigned>(*month)},
                                         std::chrono::day{static_cast<unsigned>(*day)}};
  if (!date.ok()) return std::nullopt;
  std::string_view rest = text.substr(19);
  const Millis fraction = take_fraction(rest);
  const auto offset = parse_offset(rest);
  if (!offset) return std::nullopt;
  return std::chrono::sys_days{date} + std::chrono::hours{*hour} + std::chrono::minutes{*minute} +
         std::chrono::seconds{*second} + fraction - *offset;
}

Result<Seconds> parse_duration(std::string_view text) {
  double total = 0;
  bool any = false;
  std::string_view rest = trim(text);
  while (!rest.empty()) {
    std::size_t count = 0;
    while (count < rest.size() && ((rest[count] >= '0' && rest[count] <= '9') || rest[count] == '.')) ++count;
    if (count == 0 || count > 15) {
      return fail(Errc::kInvalid, fmt::format("duration \"{}\": expected a number at \"{}\"", printable(text),
                                              printable(rest)));
    }
    const double number = std::strtod(std::string(rest.substr(0, count)).c_str(), nullptr);
    rest = trim(rest.substr(count));
    std::size_t letters = 0;
    while (letters < rest.size() && ((rest[letters] | 0x20) >= 'a' && (rest[letters] | 0x20) <= 'z'))
      ++letters;
    const std::string unit = to_lower(rest.substr(0, letters));
    const auto seconds = unit.empty() ? std::optional<double>(1) : unit_seconds(unit);
    if (!seconds)
      return fail(Errc::kInvalid, fmt::format("duration \"{}\": unknown unit \"{}\"", printable(text), unit));
    total += number * *seconds;
    any = true;
    rest = trim(rest.substr(letters));
    if (rest.starts_with(',')) rest = trim(rest.substr(1));
    if (rest.starts_with("and ")) rest = trim(rest.substr(4));
  }
  if (!any) return fail(Errc::kInvalid, "duration is empty");
  if (total > 1e11) return fail(Errc::kInvalid, fmt::format("duration \"{}\" is too long", printable(text)));
  return Seconds{static_cast<std::int64_t>(std::llround(total))};
}

std::string format_duration(Millis duration) {
  const auto ms = duration.count();
  if (ms < 1000) return fmt::format("{}ms", ms);
  if (ms < 60'000) return fmt::format("{}.{}s", ms / 1000, ms % 1000 / 100);
  const auto seconds = ms / 1000;
  if (seconds < 3600) return fmt::format("{}m {:02}s", seconds / 60, seconds % 60);
  return fmt::format("{}h {:02}m", seconds / 3600, seconds % 3600 / 60);
}

}  // namespace tidegate
