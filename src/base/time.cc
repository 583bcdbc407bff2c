#include "base/time.h"

#include <algorithm>
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

/// "1:30:00" and "1:30": up to years, the last part seconds.
std::optional<double> clock_seconds(std::string_view text) {
  static constexpr std::array<double, 6> kParts{1, 60, 3600, 86400, 2592000, 31557600};
  const auto parts = split(text, ':');
  if (parts.size() < 2 || parts.size() > kParts.size()) return std::nullopt;
  double total = 0;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const auto number = parse_integer(parts[i]);
    if (!number || *number < 0 || parts[i].front() == '+' || *number > 1'000'000'000) return std::nullopt;
    total += static_cast<double>(*number) * kParts.at(parts.size() - 1 - i);
  }
  return total;
}

std::string take_word(std::string_view& rest) {
  std::size_t letters = 0;
  while (letters < rest.size() && (rest[letters] | 0x20) >= 'a' && (rest[letters] | 0x20) <= 'z') ++letters;
  std::string word = to_lower(rest.substr(0, letters));
  rest = trim(rest.substr(letters));
  return word;
}

/// Commas, and the words that may stand between two parts.
void skip_joining(std::string_view& rest) {
  if (rest.starts_with(',')) rest = trim(rest.substr(1));
  for (const std::string_view word : {"and ", "with ", "plus "})
    if (rest.starts_with(word)) rest = trim(rest.substr(word.size()));
}

std::optional<double> unit_seconds(std::string_view unit) {
  struct Unit {
    std::string_view names;  ///< in spaces
    double seconds;
  };
  static constexpr std::array<Unit, 7> kUnits{{
      {" s sec secs second seconds ", 1},
      {" m min mins minute minutes ", 60},
      {" h hr hrs hour hours ", 3600},
      {" d dy day days ", 86400},
      {" w wk wks week weeks ", 604800},
      {" mo mos month months ", 2592000},
      {" y yr yrs year years ", 31557600},
  }};
  if (unit.empty()) return std::nullopt;
  const std::string wanted = fmt::format(" {} ", unit);
  for (const auto& [names, seconds] : kUnits)
    if (names.find(wanted) != std::string_view::npos) return seconds;
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
  const auto bad = [&](std::string_view why) {
    return fail(Errc::kInvalid, fmt::format("duration \"{}\": {}", printable(text), why));
  };
  std::string_view rest = trim(text);
  auto total = clock_seconds(rest);
  if (total) rest = {};
  double number = 1;  // "day" is one day
  while (!rest.empty()) {
    const std::size_t count = std::min(rest.find_first_not_of("0123456789."), rest.size());
    if (count > 15) return bad("too many digits");
    if (count > 0) number = std::strtod(std::string(rest.substr(0, count)).c_str(), nullptr);
    if (count == 0 && total) return bad("expected a number at " + printable(rest));
    rest = trim(rest.substr(count));
    const std::string unit = take_word(rest);
    const auto seconds = unit.empty() && count > 0 ? std::optional<double>(1) : unit_seconds(unit);
    if (!seconds) return bad("unknown unit " + printable(unit));
    total = total.value_or(0) + number * *seconds;
    skip_joining(rest);
  }
  if (!total) return bad("is empty");
  if (*total > 1e11) return bad("is too long");
  return Seconds{static_cast<std::int64_t>(std::llround(*total))};
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
