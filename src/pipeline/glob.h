// Globs of rules:changes, rules:exists and only:changes: what Ruby's File.fnmatch does with the flags
// FNM_PATHNAME | FNM_DOTMATCH | FNM_EXTGLOB, which GitLab calls. Own implementation, polynomial time.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace tidegate::pipeline {

/// A compiled glob. Immutable.
///
/// `*` any characters but '/', also a leading dot; `?` one of them; `[a-z]`, `[!a]`, `[^a]` a set;
/// `{a,b}` alternatives (they nest); `**` followed by '/' at the start of a segment any number of
/// directories; `\` takes the next character as it is. There are no character classes and no negation.
class Glob {
 public:
  /// Never fails on odd text (as in Ruby, a broken glob matches nothing), only on unreasonable text: longer
  /// than 4,096 bytes or more than 1,000 alternatives.
  static Result<Glob> compile(std::string_view text);

  /// True when the whole path matches. Time: alternatives × length of glob × length of path, at most.
  bool matches(std::string_view path) const;

 private:
  friend class GlobCompiler;
  enum class Kind : std::uint8_t {
    kLiteral,  ///< exactly this character
    kAny,      ///< ?
    kStar,     ///< *
    kSet,      ///< […]
    kNothing,  ///< a set that is not closed: matches nothing
  };
  struct Range {
    char32_t first = 0;
    char32_t last = 0;
  };
  struct Token {
    Kind kind = Kind::kLiteral;
    char32_t literal = 0;
    bool negated = false;
    std::vector<Range> ranges;
  };
  /// What stands between two slashes.
  struct Segment {
    std::vector<Token> tokens;
    bool after_any_depth = false;  ///< `**/` stands before it
  };
  using Pattern = std::vector<Segment>;

  static bool matches_pattern(const Pattern& pattern, const std::vector<std::u32string>& path);
  static bool matches_segment(const std::vector<Token>& tokens, const std::u32string& text);
  static bool matches_token(const Token& token, char32_t c);

  std::vector<Pattern> patterns_;  ///< one for each alternative
  std::string exact_prefix_;       ///< every path that matches begins with this
};

}  // namespace tidegate::pipeline
