#include "app/local/env_file.h"

#include <algorithm>
#include <optional>

#include <fmt/core.h>

#include "base/text.h"

namespace tidegate::app {

namespace {

std::string unescaped(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 1 == text.size()) {
      out.push_back(text[i]);
      continue;
    }
    const char next = text[++i];
    if (next == 'n') {
      out.push_back('\n');
    } else if (next == 't') {
      out.push_back('\t');
    } else {
      if (next != '\\' && next != '"' && next != '$') out.push_back('\\');
      out.push_back(next);
    }
  }
  return out;
}

// Nothing when a quote is opened and not closed at the end of the line.
std::optional<std::string> value_of(std::string_view text) {
  const char quote = text.empty() ? '\0' : text.front();
  if (quote != '"' && quote != '\'') return std::string(text);
  if (text.size() < 2 || text.back() != quote) return std::nullopt;
  const std::string_view inside = text.substr(1, text.size() - 2);
  return quote == '"' ? unescaped(inside) : std::string(inside);
}

}  // namespace

bool is_variable_name(std::string_view text) {
  const auto letter = [](char c) { return c == '_' || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'); };
  return !text.empty() && letter(text.front()) &&
         std::ranges::all_of(text, [&](char c) { return letter(c) || (c >= '0' && c <= '9'); });
}

Result<pipeline::JobVariables> parse_env_file(std::string_view text, const std::string& file) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  pipeline::JobVariables out;
  std::size_t number = 0;
  for (const std::string& whole : split(text, '\n')) {
    ++number;
    std::string_view line = trim(whole);
    if (line.empty() || line.starts_with('#')) continue;
    if (line.starts_with("export ")) line = trim(line.substr(7));
    const std::size_t equals = line.find('=');
    const std::string_view key = trim(line.substr(0, equals));
    if (equals == std::string_view::npos || !is_variable_name(key))
      return fail(Errc::kInvalid, fmt::format("{}:{}: expected KEY=VALUE", printable(file), number));
    auto value = value_of(trim(line.substr(equals + 1)));
    if (!value)
      return fail(Errc::kInvalid,
                  fmt::format("{}:{}: the quote of {} is not closed", printable(file), number, key));
    out.push_back({.key = std::string(key), .value = std::move(*value), .is_public = false, .raw = true});
  }
  return out;
}

}  // namespace tidegate::app
