#include "pipeline/expression_lexer.h"

#include <array>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "base/text.h"
#include "pipeline/regex.h"

namespace tidegate::pipeline {
namespace {

constexpr std::size_t kMaxTokens = 100;
/// Nobody writes such a thing; a pattern of a megabyte would be compiled for seconds.
constexpr std::size_t kMaxExpression = 32U << 10U;

bool is_space(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}
bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

std::size_t word_length(std::string_view text) {
  std::size_t length = 0;
  while (length < text.size() && is_word(text[length])) ++length;
  return length;
}

std::size_t skip_spaces(std::string_view text, std::size_t at) {
  while (at < text.size() && is_space(text[at])) ++at;
  return at;
}

/// What a scanner found at the front of the text: the token and how many bytes it took.
struct Found {
  Token token;
  std::size_t length = 0;
};

/// `$[[ inputs.name ]]`
std::optional<Found> scan_input(std::string_view text) {
  if (!text.starts_with("$[[")) return std::nullopt;
  std::size_t at = skip_spaces(text, 3);
  if (!text.substr(at).starts_with("inputs.")) return std::nullopt;
  at += 7;
  const std::size_t length = word_length(text.substr(at));
  if (length == 0) return std::nullopt;
  const std::string name(text.substr(at, length));
  at = skip_spaces(text, at + length);
  if (!text.substr(at).starts_with("]]")) return std::nullopt;
  return Found{.token = {.kind = TokenKind::kInput, .text = name}, .length = at + 2};
}

std::optional<Found> scan_variable(std::string_view text) {
  if (!text.starts_with('$')) return std::nullopt;
  const std::size_t length = word_length(text.substr(1));
  if (length == 0) return std::nullopt;
  return Found{.token = {.kind = TokenKind::kVariable, .text = std::string(text.substr(1, length))},
               .length = length + 1};
}

/// "…" or '…': no escapes, no line breaks.
std::optional<Found> scan_string(std::string_view text) {
  if (!text.starts_with('"') && !text.starts_with('\'')) return std::nullopt;
  const std::size_t end = text.find(text.front(), 1);
  if (end == std::string_view::npos) return std::nullopt;
  const std::string_view inside = text.substr(1, end - 1);
  if (inside.find('\n') != std::string_view::npos) return std::nullopt;
  return Found{.token = {.kind = TokenKind::kText, .text = std::string(inside)}, .length = end + 1};
}

/// /…/flags. GitLab's own expression, whose backtracking order decides where the pattern ends; RE2 keeps it.
std::optional<Found> scan_pattern(std::string_view text) {
  if (!text.starts_with('/')) return std::nullopt;
  static const auto kPattern = Regex::compile(R"(/(?:[^/]|\\/)+[^\\]/[ismU]*)");
  const auto length = kPattern->match_prefix(text);
  if (!length) return std::nullopt;
  return Found{.token = {.kind = TokenKind::kPattern, .text = std::string(text.substr(0, *length))},
               .length = *length};
}

std::optional<Found> scan_fixed(std::string_view text) {
  static constexpr std::array<std::pair<std::string_view, TokenKind>, 12> kFixed = {{
      {"(", TokenKind::kOpen},
      {")", TokenKind::kClose},
      {"null", TokenKind::kNull},
      {"true", TokenKind::kTrue},
      {"false", TokenKind::kFalse},
      {"==", TokenKind::kEqual},
      {"=~", TokenKind::kMatch},
      {"!=", TokenKind::kNotEqual},
      {"!~", TokenKind::kNotMatch},
      {"&&", TokenKind::kAnd},
      {"||", TokenKind::kOr},
      {"!", TokenKind::kNot},
  }};
  for (const auto& [word, kind] : kFixed) {
    if (!text.starts_with(word)) continue;
    const bool is_truth = kind == TokenKind::kTrue || kind == TokenKind::kFalse;
    if (is_truth && text.size() > word.size() && is_word(text[word.size()])) continue;
    return Found{.token = {.kind = kind, .text = {}}, .length = word.size()};
  }
  return std::nullopt;
}

std::optional<Found> scan(std::string_view text) {
  if (auto found = scan_input(text)) return found;
  if (auto found = scan_variable(text)) return found;
  if (auto found = scan_string(text)) return found;
  if (auto found = scan_pattern(text)) return found;
  return scan_fixed(text);
}

/// What people mean when they write something that is no token.
std::string_view hint_for(std::string_view text) {
  if (text.starts_with("${")) return " (write $NAME, without braces)";
  if (text.starts_with('=')) return " (write == to compare)";
  if (text.starts_with('/')) return " (a pattern is /…/ with at least two characters)";
  if (text.starts_with('"') || text.starts_with('\'')) return " (the quote is not closed)";
  if (text.starts_with('&')) return " (write &&)";
  if (text.starts_with('|')) return " (write ||)";
  return "";
}

}  // namespace

Result<std::vector<Token>> tokenize_expression(std::string_view text) {
  if (text.size() > kMaxExpression) return fail(Errc::kInvalid, "longer than 32 KiB");
  std::vector<Token> tokens;
  std::size_t at = skip_spaces(text, 0);
  while (at < text.size()) {
    if (tokens.size() + 1 >= kMaxTokens) return fail(Errc::kInvalid, "more than 99 tokens");
    const std::string_view rest = text.substr(at);
    auto found = scan(rest);
    if (!found) {
      return fail(Errc::kInvalid,
                  fmt::format("column {}: unknown word {}{}", at + 1, printable(rest, 20), hint_for(rest)));
    }
    found->token.column = at + 1;
    tokens.push_back(std::move(found->token));
    at = skip_spaces(text, at + found->length);
  }
  tokens.push_back({.kind = TokenKind::kEnd, .text = {}, .column = text.size() + 1});
  return tokens;
}

}  // namespace tidegate::pipeline
