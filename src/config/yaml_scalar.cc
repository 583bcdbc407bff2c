#include "config/yaml_scalar.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <optional>
#include <system_error>

#include <fmt/core.h>

#include "base/text.h"

namespace tidegate::config::yaml {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool all_of(std::string_view text, std::string_view set) {
  return !text.empty() && text.find_first_not_of(set) == std::string_view::npos;
}

std::string without(std::string_view text, std::string_view dropped) {
  std::string out;
  for (const char c : text)
    if (dropped.find(c) == std::string_view::npos) out.push_back(c);
  return out;
}

/// Takes `count` digits (between `min` and `max`) off the front.
bool take_digits(std::string_view& text, std::size_t min, std::size_t max) {
  std::size_t count = 0;
  while (count < max && count < text.size() && is_digit(text[count])) ++count;
  text.remove_prefix(count);
  return count >= min;
}

bool take(std::string_view& text, char c) {
  if (!text.starts_with(c)) return false;
  text.remove_prefix(1);
  return true;
}

/// \d{4}-(1[012]|0\d|\d)-([12]\d|3[01]|0\d|\d)
bool is_date(std::string_view text) {
  const auto part = [&](std::string_view digits, int max) {
    if (digits.empty() || digits.size() > 2 || !all_of(digits, "0123456789")) return false;
    return digits.size() == 1 || digits[0] == '0' || (digits[0] - '0') * 10 + (digits[1] - '0') <= max;
  };
  const auto parts = split(text, '-');
  return parts.size() == 3 && parts[0].size() == 4 && all_of(parts[0], "0123456789") && part(parts[1], 12) &&
         part(parts[2], 31);
}

/// -?\d{4}-\d{1,2}-\d{1,2}(T|\s+)\d{1,2}:\d\d:\d\d(\.\d*)?(\s*(Z|[-+]\d{1,2}:?(\d\d)?))?
bool is_time(std::string_view text) {
  take(text, '-');
  if (!take_digits(text, 4, 4) || !take(text, '-') || !take_digits(text, 1, 2) || !take(text, '-') ||
      !take_digits(text, 1, 2))
    return false;
  if (!take(text, 'T') && !take(text, 't')) {
    const auto blanks = text.find_first_not_of(" \t");
    if (blanks == 0 || blanks == std::string_view::npos) return false;
    text.remove_prefix(blanks);
  }
  if (!take_digits(text, 1, 2) || !take(text, ':') || !take_digits(text, 2, 2) || !take(text, ':') ||
      !take_digits(text, 2, 2))
    return false;
  if (take(text, '.')) take_digits(text, 0, text.size());
  text = trim(text);
  if (text.empty() || text == "Z") return true;
  if (!take(text, '+') && !take(text, '-')) return false;
  if (!take_digits(text, 1, 2)) return false;
  take(text, ':');
  return text.empty() || (text.size() == 2 && all_of(text, "0123456789"));
}

/// Ruby's Float#to_s: 1.1, 1.0, 1.0e+20, Infinity, NaN.
std::string float_text(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value < 0 ? "-Infinity" : "Infinity";
  const double size = std::fabs(value);
  std::array<char, 64> buffer{};
  const bool fixed = size == 0 || (size >= 1e-4 && size < 1e16);
  const auto format = fixed ? std::chars_format::fixed : std::chars_format::scientific;
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value, format).ptr;
  std::string text(buffer.data(), end);
  if (text.find('.') == std::string::npos) {
    const auto at = std::min(text.find('e'), text.size());
    text.insert(at, ".0");
  }
  return text;
}

Scalar make_float(double value) {
  return {.kind = Kind::kFloat, .text = float_text(value), .refused = {}};
}

Scalar make_int(std::int64_t value) {
  return {.kind = Kind::kInt, .text = fmt::format("{}", value), .refused = {}};
}

/// [-+]?[0-9][0-9_]*(:[0-5]?[0-9]){1,2}, and with `.[0-9_]*` a float. The first part counts 3600, the second
/// 60, the third 1, also when there are only two: 1:30 is 5400.
std::optional<Scalar> read_sexagesimal(std::string_view text) {
  if (text.find(':') == std::string_view::npos) return std::nullopt;
  std::string_view body = text;
  const auto dot = body.find('.');
  double fraction = 0;
  if (dot != std::string_view::npos) {
    const std::string digits = without(body.substr(dot + 1), "_");
    if (!digits.empty() && !all_of(digits, "0123456789")) return std::nullopt;
    fraction = std::strtod(("0." + digits).c_str(), nullptr);
    body = body.substr(0, dot);
  }
  const auto parts = split(body, ':');
  if (parts.size() < 2 || parts.size() > 3) return std::nullopt;
  const bool negative = parts[0].starts_with('-');
  std::string_view first = parts[0];
  if (first.starts_with('-') || first.starts_with('+')) first.remove_prefix(1);
  if (first.empty() || !is_digit(first[0]) || !all_of(first, "0123456789_")) return std::nullopt;
  for (std::size_t i = 1; i < parts.size(); ++i) {
    const std::string& part = parts[i];
    if (part.empty() || part.size() > 2 || !all_of(part, "0123456789") || (part.size() == 2 && part[0] > '5'))
      return std::nullopt;
  }
  const auto hours = parse_integer(without(first, "_"));
  if (!hours || *hours > 1'000'000'000'000) return std::nullopt;
  std::int64_t sum = *hours * 3600 * (negative ? -1 : 1) + *parse_integer(parts[1]) * 60;
  if (parts.size() == 3) sum += *parse_integer(parts[2]);
  if (dot == std::string_view::npos) return make_int(sum);
  // The fraction belongs to the last part, and so takes its factor.
  return make_float(static_cast<double>(sum) + fraction * (parts.size() == 3 ? 1 : 60));
}

/// [-+]?([0-9][0-9_,]*)?\.[0-9]*([eE][+-][0-9]+)?
std::optional<Scalar> read_float(std::string_view text) {
  std::string_view rest = text;
  if (rest.starts_with('-') || rest.starts_with('+')) rest.remove_prefix(1);
  const auto dot = rest.find('.');
  if (dot == std::string_view::npos) return std::nullopt;
  const std::string_view whole = rest.substr(0, dot);
  if (!whole.empty() && (!is_digit(whole[0]) || !all_of(whole, "0123456789_,"))) return std::nullopt;
  rest.remove_prefix(dot + 1);
  const bool no_digits = whole.empty() && !take_digits(rest, 1, rest.size());
  take_digits(rest, 0, rest.size());
  if (!rest.empty()) {
    if (rest[0] != 'e' && rest[0] != 'E') return std::nullopt;
    rest.remove_prefix(1);
    if (!take(rest, '+') && !take(rest, '-')) return std::nullopt;
    if (!all_of(rest, "0123456789")) return std::nullopt;
  }
  if (no_digits) {
    if (!text.ends_with('.'))
      return Scalar{.kind = Kind::kString, .text = std::string(text), .refused = "Float"};
    return std::nullopt;  // "." and "-."
  }
  return make_float(std::strtod(without(text, ",_").c_str(), nullptr));
}

/// [1-9]([0-9]|,[0-9]|_[0-9])* or 0
bool is_decimal(std::string_view text) {
  if (text == "0") return true;
  if (text.empty() || text[0] < '1' || text[0] > '9') return false;
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (is_digit(text[i])) continue;
    if ((text[i] != ',' && text[i] != '_') || i + 1 == text.size() || !is_digit(text[i + 1])) return false;
  }
  return true;
}

std::optional<Scalar> read_int(std::string_view text) {
  std::string_view body = text;
  const bool negative = body.starts_with('-');
  if (negative || body.starts_with('+')) body.remove_prefix(1);
  int base = 0;
  if (is_decimal(body)) {
    base = 10;
  } else if (body.starts_with("0b") && all_of(body.substr(2), "01_,")) {
    base = 2;
  } else if (body.starts_with("0x") && all_of(body.substr(2), "0123456789abcdefABCDEF_,")) {
    base = 16;
  } else if (body.size() > 1 && body[0] == '0' && all_of(body.substr(1), "01234567_,")) {
    base = 8;
  }
  if (base == 0) return std::nullopt;
  const std::string digits = without(base == 10 || base == 8 ? body : body.substr(2), "_,");
  std::uint64_t value = 0;
  const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
  // Ruby raises at Integer("0x"), so such a text is no configuration.
  if (digits.empty()) return Scalar{.kind = Kind::kString, .text = std::string(text), .refused = "Integer"};
  if (read.ptr != digits.data() + digits.size()) return std::nullopt;
  if (read.ec == std::errc::result_out_of_range) {
    // Ruby's integers have no end; in base ten the digits say it all.
    if (base != 10) return std::nullopt;
    return Scalar{.kind = Kind::kInt, .text = (negative ? "-" : "") + digits, .refused = {}};
  }
  if (value == 0) return make_int(0);
  return Scalar{.kind = Kind::kInt, .text = fmt::format("{}{}", negative ? "-" : "", value), .refused = {}};
}

std::optional<Scalar> read_word(std::string_view text) {
  if (text.size() > 5 || std::string_view("~.+-nytfoNYTFO").find(text[0]) == std::string_view::npos)
    return std::nullopt;
  const std::string lower = to_lower(text);
  if (lower == "~" || lower == "null") return Scalar{.kind = Kind::kNull, .text = {}, .refused = {}};
  if (lower == "yes" || lower == "true" || lower == "on")
    return Scalar{.kind = Kind::kBool, .text = "true", .refused = {}};
  if (lower == "no" || lower == "false" || lower == "off")
    return Scalar{.kind = Kind::kBool, .text = "false", .refused = {}};
  if (lower == ".inf" || lower == "+.inf") return make_float(INFINITY);
  if (lower == "-.inf") return make_float(-INFINITY);
  if (lower == ".nan") return make_float(NAN);
  return std::nullopt;
}

}  // namespace

Scalar read_plain(std::string_view text) {
  if (text.empty()) return {.kind = Kind::kNull, .text = {}, .refused = {}};
  if (auto word = read_word(text)) return *std::move(word);
  const char first = text[0];
  if (!is_digit(first) && first != '-' && first != '+' && first != '.' && first != ':')
    return {.kind = Kind::kString, .text = std::string(text), .refused = {}};
  if (is_time(text)) return {.kind = Kind::kString, .text = std::string(text), .refused = "Time"};
  if (is_date(text)) return {.kind = Kind::kString, .text = std::string(text), .refused = "Date"};
  if (first == ':' && text.size() > 1) {  // a Symbol, which prints without the colon
    std::string_view name = text.substr(1);
    // What follows the closing quote is dropped.
    const auto last = name.rfind(name[0]);
    if ((name[0] == '"' || name[0] == '\'') && last > 0) name = name.substr(1, last - 1);
    return {.kind = Kind::kString, .text = std::string(name), .refused = {}};
  }
  if (auto number = read_sexagesimal(text)) return *std::move(number);
  if (auto number = read_float(text)) return *std::move(number);
  if (auto number = read_int(text)) return *std::move(number);
  return {.kind = Kind::kString, .text = std::string(text), .refused = {}};
}

Scalar to_float(Scalar scalar) {
  if (scalar.kind == Kind::kFloat) return scalar;
  // Ruby's Float(): a number and nothing else; underscores between digits.
  const std::string digits = without(scalar.text, "_");
  double value = 0;
  const std::string_view body = std::string_view(digits).substr(digits.starts_with('+') ? 1 : 0);
  const auto read = std::from_chars(body.data(), body.data() + body.size(), value);
  const bool number = scalar.kind == Kind::kInt || scalar.kind == Kind::kString;
  if (number && all_of(digits, "0123456789+-.eE") && read.ec == std::errc() &&
      read.ptr == body.data() + body.size())
    return make_float(value);
  scalar.refused = "Float";
  return scalar;
}

std::string read_binary(std::string_view text) {
  constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  std::uint32_t bits = 0;
  int count = 0;
  for (const char c : text) {
    if (c == '=') break;
    const auto digit = kAlphabet.find(c);
    if (digit == std::string_view::npos) continue;
    bits = (bits << 6) | static_cast<std::uint32_t>(digit);
    count += 6;
    if (count < 8) continue;
    count -= 8;
    out.push_back(static_cast<char>((bits >> count) & 0xFFU));
  }
  return out;
}

}  // namespace tidegate::config::yaml
