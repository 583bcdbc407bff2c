// Scanners: where in a file of some language a name is given a value. Internal to the room.
//
// They read just enough of each language to know what is code, what is a comment and what is inside a string.
// A file that they cannot follow to the end is refused, because a place that is guessed may be the wrong one.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace tidegate::dataset {

/// How a literal is written, and so how its text is escaped.
enum class Literal : std::uint8_t {
  kPython,      ///< '…' or "…", escapes
  kPythonRaw,   ///< r"…"
  kJson,        ///< "…" as RFC 8259
  kTomlBasic,   ///< "…"
  kTomlRaw,     ///< '…'
  kYamlDouble,  ///< "…"
  kYamlSingle,  ///< '…', doubled inside
  kYamlPlain,   ///< no quotes
  kUnknown,     ///< in a language that we do not read (a marker's line): only harmless characters
};

/// One place where the name stands. `problem`, when not empty, says why nothing can be put there.
struct Place {
  std::size_t begin = 0;  ///< of the literal, quotes and prefix included
  std::size_t end = 0;
  std::size_t line = 0;  ///< counted from 1
  Literal literal = Literal::kUnknown;
  std::string problem;
};

using Places = Result<std::vector<Place>>;

/// Assignments to `name` at the top level.
Places scan_python(std::string_view content, std::string_view name);
/// Members called `name`, at any depth.
Places scan_json(std::string_view content, std::string_view name);
Places scan_toml(std::string_view content, std::string_view name);
Places scan_yaml(std::string_view content, std::string_view name);

/// Lines that end in the comment `# tidegate:<marker>` (or `// tidegate:<marker>`).
Places scan_marker(std::string_view content, std::string_view marker);
/// The same in Python, where a comment inside a string is none.
Places scan_python_marker(std::string_view content, std::string_view marker);

/// The text that a literal stands for; an error when it has escapes that we do not know.
Result<std::string> unescape(std::string_view literal, Literal kind);
/// A literal for `text`, in the manner of `old`; an error when the language has no safe way to write it.
Result<std::string> escape(std::string_view text, std::string_view old, Literal kind);

/// A place to read from, with the line it is on.
class Cursor {
 public:
  explicit Cursor(std::string_view text) : text_(text) {}

  bool done() const { return at_ >= text_.size(); }
  std::size_t at() const { return at_; }
  std::size_t line() const { return line_; }
  /// The byte `ahead` of here; '\0' past the end.
  char peek(std::size_t ahead = 0) const { return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0'; }
  std::string_view rest() const { return text_.substr(at_); }
  std::string_view from(std::size_t begin) const { return text_.substr(begin, at_ - begin); }
  bool starts_with(std::string_view word) const { return rest().starts_with(word); }

  void skip(std::size_t count = 1) {
    for (; count > 0 && !done(); --count) {
      if (text_[at_++] == '\n') ++line_;
    }
  }
  void skip_blanks() {
    while (peek() == ' ' || peek() == '\t') skip();
  }
  /// Up to the line's end, which is left.
  void skip_line() {
    while (!done() && peek() != '\n') skip();
  }
  bool at_line_end() const { return done() || peek() == '\n' || (peek() == '\r' && peek(1) == '\n'); }

  /// A string that starts here with `quote` (one or three characters) and ends with the same; with
  /// `backslash`, the byte after one is taken as it is. False when it does not end, or (unless it is a long
  /// one) not on this line.
  bool skip_string(std::string_view quote, bool backslash, bool may_break_line);

 private:
  std::string_view text_;
  std::size_t at_ = 0;
  std::size_t line_ = 1;
};

inline bool Cursor::skip_string(std::string_view quote, bool backslash, bool may_break_line) {
  skip(quote.size());
  while (!done()) {
    if (starts_with(quote)) {
      skip(quote.size());
      return true;
    }
    if (backslash && peek() == '\\') {
      skip();
    } else if (peek() == '\n' && !may_break_line) {
      return false;
    }
    skip();
  }
  return false;
}

inline Error unterminated(std::size_t line) {
  return fail(Errc::kInvalid, "line " + std::to_string(line) + ": a string that does not end");
}

/// A literal over more than one line is never replaced.
inline std::string one_line_problem(std::string_view literal) {
  return literal.find('\n') == std::string_view::npos ? "" : "the value goes over more than one line";
}

}  // namespace tidegate::dataset
