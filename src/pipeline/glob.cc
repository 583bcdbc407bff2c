#include "pipeline/glob.h"

#include <algorithm>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "base/text.h"

namespace tidegate::pipeline {
namespace {

constexpr std::size_t kMaxLength = 4096;
constexpr std::size_t kMaxAlternatives = 1000;

/// The number of bytes of the UTF-8 character at the front; 1 for a byte that begins none.
std::size_t character_length(std::string_view text) {
  const auto first = static_cast<unsigned char>(text.front());
  const std::size_t length = first < 0xC2 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : first < 0xF5 ? 4 : 1;
  if (length > text.size() || !is_utf8(text.substr(0, length))) return 1;
  return length;
}

/// Takes one character off the front. A byte that is not UTF-8 gets a number that no character has.
char32_t take_character(std::string_view& text) {
  const std::size_t length = character_length(text);
  const auto first = static_cast<unsigned char>(text.front());
  char32_t c = length == 1 ? (first < 0x80 ? first : 0x110000U + first)
                           : static_cast<char32_t>(first & (0xFFU >> (length + 1)));
  for (std::size_t i = 1; i < length; ++i) c = (c << 6U) | (static_cast<unsigned char>(text[i]) & 0x3FU);
  text.remove_prefix(length);
  return c;
}

std::u32string to_characters(std::string_view text) {
  std::u32string out;
  out.reserve(text.size());
  while (!text.empty()) out += take_character(text);
  return out;
}

/// The outermost {…}: positions of both braces. `broken`: opened and never closed.
struct Braces {
  std::size_t open = std::string::npos;
  std::size_t close = std::string::npos;
  bool broken() const { return open != std::string::npos && close == std::string::npos; }
  bool found() const { return close != std::string::npos; }
};

Braces find_braces(std::string_view text) {
  Braces braces;
  int nesting = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '{' && nesting++ == 0) braces.open = i;
    if (text[i] == '}' && braces.open != std::string::npos && --nesting == 0) {
      braces.close = i;
      return braces;
    }
    if (text[i] == '\\') ++i;
  }
  return braces;
}

/// The alternatives between the braces, still with what is nested in them.
std::vector<std::string_view> split_alternatives(std::string_view inside) {
  std::vector<std::string_view> parts;
  std::size_t start = 0;
  int nesting = 0;
  for (std::size_t i = 0; i < inside.size(); ++i) {
    if (inside[i] == ',' && nesting == 0) {
      parts.push_back(inside.substr(start, i - start));
      start = i + 1;
    }
    if (inside[i] == '{') ++nesting;
    if (inside[i] == '}') --nesting;
    if (inside[i] == '\\') ++i;
  }
  parts.push_back(inside.substr(start));
  return parts;
}

/// Every text that the braces stand for, in order. Nothing when there are too many.
std::optional<std::vector<std::string>> expand_braces(std::string_view text) {
  std::vector<std::string> done;
  std::vector<std::string> todo = {std::string(text)};
  std::size_t work = 0;
  while (!todo.empty()) {
    const std::string current = std::move(todo.back());
    todo.pop_back();
    const Braces braces = find_braces(current);
    if (braces.broken()) continue;  // as in Ruby: matches nothing
    if (!braces.found()) {
      done.push_back(current);
      if (done.size() > kMaxAlternatives) return std::nullopt;
      continue;
    }
    const std::string_view whole = current;
    const auto parts = split_alternatives(whole.substr(braces.open + 1, braces.close - braces.open - 1));
    work += parts.size();
    if (work > 2 * kMaxAlternatives) return std::nullopt;
    for (auto part = parts.rbegin(); part != parts.rend(); ++part) {
      todo.push_back(
          fmt::format("{}{}{}", whole.substr(0, braces.open), *part, whole.substr(braces.close + 1)));
    }
  }
  return done;
}

}  // namespace

/// Reads one text without braces.
class GlobCompiler {
 public:
  explicit GlobCompiler(std::string_view text) : rest_(text) {}

  Glob::Pattern run() {
    Glob::Pattern pattern;
    do {
      Glob::Segment segment;
      while (rest_.starts_with("**/")) {
        segment.after_any_depth = true;
        rest_.remove_prefix(3);
      }
      segment.tokens = read_segment();
      pattern.push_back(std::move(segment));
    } while (take('/'));
    return pattern;
  }

 private:
  bool take(char c) {
    if (!rest_.starts_with(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }

  /// Up to the slash that ends it ("\/" ends it too) or the end of the text.
  std::vector<Glob::Token> read_segment() {
    std::vector<Glob::Token> tokens;
    while (!rest_.empty() && rest_.front() != '/') {
      if (take('*')) {
        if (tokens.empty() || tokens.back().kind != Glob::Kind::kStar) tokens.push_back(star());
      } else if (take('?')) {
        tokens.push_back({.kind = Glob::Kind::kAny, .ranges = {}});
      } else if (take('[')) {
        tokens.push_back(read_set());
      } else {
        take('\\');
        if (rest_.empty() || rest_.front() == '/') break;
        tokens.push_back({.literal = take_character(rest_), .ranges = {}});
      }
    }
    return tokens;
  }

  static Glob::Token star() { return {.kind = Glob::Kind::kStar, .ranges = {}}; }

  /// After '['. An unclosed set matches nothing, wherever it ends; so the rest of the text does not matter.
  Glob::Token read_set() {
    Glob::Token token{.kind = Glob::Kind::kSet, .ranges = {}};
    const Glob::Token nothing{.kind = Glob::Kind::kNothing, .ranges = {}};
    token.negated = take('!') || take('^');
    while (!take(']')) {
      take('\\');
      if (rest_.empty()) return nothing;
      Glob::Range range;
      range.first = range.last = take_character(rest_);
      if (rest_.empty()) return nothing;
      if (rest_.size() > 1 && rest_[0] == '-' && rest_[1] != ']') {
        rest_.remove_prefix(1);
        take('\\');
        if (rest_.empty()) return nothing;
        range.last = take_character(rest_);
      }
      token.ranges.push_back(range);
    }
    return token;
  }

  std::string_view rest_;
};

Result<Glob> Glob::compile(std::string_view text) {
  if (text.size() > kMaxLength) {
    return fail(Errc::kInvalid, fmt::format("glob of {} bytes; at most {}", text.size(), kMaxLength));
  }
  const auto alternatives = expand_braces(text);
  if (!alternatives) {
    return fail(Errc::kInvalid, fmt::format("glob {} stands for more than {} alternatives",
                                            printable(text, 60), kMaxAlternatives));
  }
  Glob glob;
  for (const auto& alternative : *alternatives) glob.patterns_.push_back(GlobCompiler(alternative).run());
  const std::string_view plain = text.substr(0, text.find_first_of("*?[{\\"));
  glob.exact_prefix_ = plain;
  return glob;
}

bool Glob::matches_token(const Token& token, char32_t c) {
  if (token.kind == Kind::kLiteral) return token.literal == c;
  if (token.kind == Kind::kAny) return true;
  if (token.kind != Kind::kSet) return false;
  const bool inside = std::ranges::any_of(token.ranges, [c](const Range& range) {
    // Either end counts also when the range is upside down, as in Ruby.
    return c == range.first || c == range.last || (c >= range.first && c <= range.last);
  });
  return inside != token.negated;
}

/// The usual greedy match: on a mismatch the last star takes one character more.
bool Glob::matches_segment(const std::vector<Token>& tokens, const std::u32string& text) {
  std::size_t t = 0;
  std::size_t c = 0;
  std::optional<std::size_t> star;
  std::size_t star_end = 0;
  while (c < text.size()) {
    if (t < tokens.size() && tokens[t].kind == Kind::kStar) {
      star = t++;
      star_end = c;
    } else if (t < tokens.size() && matches_token(tokens[t], text[c])) {
      ++t;
      ++c;
    } else if (star) {
      t = *star + 1;
      c = ++star_end;
    } else {
      return false;
    }
  }
  while (t < tokens.size() && tokens[t].kind == Kind::kStar) ++t;
  return t == tokens.size();
}

/// The same one level up: on a mismatch the last `**/` takes one directory more.
bool Glob::matches_pattern(const Pattern& pattern, const std::vector<std::u32string>& path) {
  std::size_t p = 0;
  std::size_t s = 0;
  std::optional<std::size_t> retry;
  std::size_t retry_at = 0;
  while (true) {
    if (p < pattern.size() && s < path.size()) {
      if (pattern[p].after_any_depth && retry != p) {
        retry = p;
        retry_at = s;
      }
      if (matches_segment(pattern[p].tokens, path[s])) {
        ++p;
        ++s;
        continue;
      }
    } else if (p == pattern.size() && s == path.size()) {
      return true;
    }
    if (!retry || retry_at + 1 >= path.size()) return false;
    p = *retry;
    s = ++retry_at;
  }
}

bool Glob::matches(std::string_view path) const {
  if (!path.starts_with(exact_prefix_)) return false;
  std::vector<std::u32string> segments;
  for (const auto& segment : split(path, '/')) segments.push_back(to_characters(segment));
  return std::ranges::any_of(patterns_,
                             [&](const Pattern& pattern) { return matches_pattern(pattern, segments); });
}

}  // namespace tidegate::pipeline
