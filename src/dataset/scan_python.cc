// Python, as its tokenizer reads it (Language Reference, chapter 2), as far as strings, comments, brackets
// and logical lines go.
#include <algorithm>
#include <optional>

#include "base/text.h"
#include "dataset/scan.h"

namespace tidegate::dataset {
namespace {

enum class Kind : std::uint8_t { kWord, kString, kComment, kSign, kNewline };

struct Token {
  Kind kind = Kind::kSign;
  std::string_view text;
  std::size_t begin = 0;
  std::size_t line = 0;
  bool top = false;  ///< in column 0 and outside brackets
};

bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         static_cast<unsigned char>(c) >= 0x80;
}

// The length of a string's prefix letters here (r, b, u, f, t in any case and order), when a quote follows.
std::optional<std::size_t> string_prefix(const Cursor& cursor) {
  for (std::size_t i = 0; i <= 2; ++i) {
    const char c = cursor.peek(i);
    if (c == '"' || c == '\'') return i;
    if (std::string_view("rRbBuUfFtT").find(c) == std::string_view::npos) return std::nullopt;
  }
  return std::nullopt;
}

class Tokenizer {
 public:
  explicit Tokenizer(std::string_view content) : cursor_(content) {
    if (cursor_.starts_with("\xEF\xBB\xBF")) cursor_.skip(3);
    line_start_ = cursor_.at();
  }

  Result<std::vector<Token>> run() {
    while (!cursor_.done()) TG_CHECK(next());
    add(Kind::kNewline, cursor_.at(), cursor_.line());
    return std::move(tokens_);
  }

 private:
  Status next() {
    const std::size_t begin = cursor_.at();
    const std::size_t line = cursor_.line();
    const char c = cursor_.peek();
    if (c == '\n') {
      cursor_.skip();
      if (depth_ == 0) add(Kind::kNewline, begin, line);
      line_start_ = cursor_.at();
    } else if (c == ' ' || c == '\t' || c == '\r' || c == '\f') {
      cursor_.skip();
    } else if (c == '\\' &&
               (cursor_.peek(1) == '\n' || (cursor_.peek(1) == '\r' && cursor_.peek(2) == '\n'))) {
      cursor_.skip(cursor_.peek(1) == '\n' ? 2 : 3);  // the logical line goes on, so no new line start
    } else if (c == '#') {
      cursor_.skip_line();
      add(Kind::kComment, begin, line);
    } else if (const auto prefix = string_prefix(cursor_)) {
      return take_string(*prefix);
    } else if (is_word(c)) {
      while (is_word(cursor_.peek())) cursor_.skip();
      add(Kind::kWord, begin, line);
    } else {
      cursor_.skip();
      add(Kind::kSign, begin, line);
      if (c == '(' || c == '[' || c == '{') ++depth_;
      if ((c == ')' || c == ']' || c == '}') && depth_ > 0) --depth_;
    }
    return {};
  }

  Status take_string(std::size_t prefix) {
    const std::size_t begin = cursor_.at();
    const std::size_t line = cursor_.line();
    cursor_.skip(prefix);
    const std::string triple(3, cursor_.peek());
    const bool is_long = cursor_.starts_with(triple);
    // Even in a raw string a backslash keeps the quote after it from ending the string.
    if (!cursor_.skip_string(is_long ? triple : triple.substr(2), true, is_long)) return unterminated(line);
    add(Kind::kString, begin, line);
    return {};
  }

  void add(Kind kind, std::size_t begin, std::size_t line) {
    tokens_.push_back({kind, cursor_.from(begin), begin, line, begin == line_start_ && depth_ == 0});
  }

  Cursor cursor_;
  std::vector<Token> tokens_;
  std::size_t line_start_ = 0;
  std::size_t depth_ = 0;
};

Place place_of(const Token& token) {
  Place place{token.begin, token.begin + token.text.size(), token.line, Literal::kPython, ""};
  const std::string prefix = to_lower(token.text.substr(0, token.text.find_first_of("'\"")));
  if (prefix == "r") {
    place.literal = Literal::kPythonRaw;
  } else if (!prefix.empty() && prefix != "u") {
    place.problem = "the value is a string of kind " + prefix + "\"…\", not a plain one";
  }
  if (place.problem.empty()) place.problem = one_line_problem(token.text);
  return place;
}

bool is_sign(const Token* token, char sign) {
  return token != nullptr && token->kind == Kind::kSign && token->text[0] == sign;
}

// One logical line without comments.
class Statement {
 public:
  explicit Statement(std::vector<const Token*> tokens) : tokens_(std::move(tokens)) {}

  /// The place where it assigns `name`, if it does.
  std::optional<Place> assignment(std::string_view name) const {
    if (tokens_.empty() || !tokens_[0]->top) return std::nullopt;
    const bool starts = is_name(0, name);
    const std::size_t equals = starts ? find_equals() : 0;
    if (starts && equals > 0) return value_after(equals);
    if (assigns_otherwise(name)) {
      return Place{0, 0, tokens_[0]->line, Literal::kPython, "assigned together with other things"};
    }
    return std::nullopt;
  }

 private:
  const Token* get(std::size_t i) const { return i < tokens_.size() ? tokens_[i] : nullptr; }
  bool is_name(std::size_t i, std::string_view name) const {
    return get(i) != nullptr && get(i)->kind == Kind::kWord && get(i)->text == name;
  }
  bool is_equals(std::size_t i) const {
    return is_sign(get(i), '=') && !is_sign(get(i + 1), '=') && !(i > 0 && is_comparison(get(i - 1)));
  }
  static bool is_comparison(const Token* token) {
    return is_sign(token, '=') || is_sign(token, '!') || is_sign(token, '<') || is_sign(token, '>');
  }

  // `NAME =` or `NAME: type =`: the index of '='. Zero when it is neither.
  std::size_t find_equals() const {
    if (is_equals(1)) return 1;
    if (!is_sign(get(1), ':')) return 0;
    std::size_t depth = 0;
    for (std::size_t i = 2; i < tokens_.size(); ++i) {
      if (is_sign(get(i), '[') || is_sign(get(i), '(')) ++depth;
      if ((is_sign(get(i), ']') || is_sign(get(i), ')')) && depth > 0) --depth;
      if (depth == 0 && is_equals(i)) return i;
    }
    return 0;
  }

  Place value_after(std::size_t equals) const {
    const Token* value = get(equals + 1);
    const Token* after = get(equals + 2);
    if (value == nullptr || value->kind != Kind::kString) {
      return {0, 0, tokens_[0]->line, Literal::kPython, "the value is not a string literal"};
    }
    Place place = place_of(*value);
    if (after != nullptr && !is_sign(after, ';')) place.problem = "the value is more than one string literal";
    return place;
  }

  // `A = NAME = …`, `NAME, b = …`, `NAME += …`, `a = 1; NAME = …`: an assignment that we do not write to but
  // must not overlook. Attributes (`x.NAME = …`) and keyword arguments (in brackets) are other things.
  bool assigns_otherwise(std::string_view name) const {
    const bool augmented = is_name(0, name) && get(1) != nullptr && get(1)->kind == Kind::kSign &&
                           std::string_view("+-*/%@&|^<>").contains(get(1)->text[0]) && has_equals_from(2);
    if (augmented) return true;
    std::size_t depth = 0;
    for (std::size_t i = 0; i < tokens_.size(); ++i) {
      if (is_sign(get(i), '(') || is_sign(get(i), '[') || is_sign(get(i), '{')) ++depth;
      if ((is_sign(get(i), ')') || is_sign(get(i), ']') || is_sign(get(i), '}')) && depth > 0) --depth;
      if (depth > 0 || !is_name(i, name) || (i > 0 && is_sign(get(i - 1), '.'))) continue;
      if (is_equals(i + 1)) return true;
      if (is_sign(get(i + 1), ',') && i == 0 && has_equals_from(2)) return true;
      if (i > 0 && is_sign(get(i - 1), ',') && has_equals_from(i + 1) && get(0)->kind == Kind::kWord &&
          is_sign(get(1), ',')) {
        return true;
      }
    }
    return false;
  }

  bool has_equals_from(std::size_t start) const {
    for (std::size_t i = start; i < tokens_.size(); ++i) {
      if (is_equals(i)) return true;
    }
    return false;
  }

  std::vector<const Token*> tokens_;
};

}  // namespace

Places scan_python(std::string_view content, std::string_view name) {
  TG_TRY(const std::vector<Token> tokens, Tokenizer(content).run());
  std::vector<Place> places;
  std::vector<const Token*> line;
  for (const Token& token : tokens) {
    if (token.kind == Kind::kComment) continue;
    if (token.kind != Kind::kNewline) {
      line.push_back(&token);
      continue;
    }
    if (auto place = Statement(std::move(line)).assignment(name)) places.push_back(*std::move(place));
    line.clear();
  }
  return places;
}

Places scan_python_marker(std::string_view content, std::string_view marker) {
  TG_TRY(const std::vector<Token> tokens, Tokenizer(content).run());
  const std::string wanted = "tidegate:" + std::string(marker);
  std::vector<Place> places;
  for (const Token& comment : tokens) {
    if (comment.kind != Kind::kComment || trim(comment.text.substr(1)) != wanted) continue;
    std::vector<const Token*> strings;
    for (const Token& token : tokens) {
      const std::size_t last_line =
          token.line + static_cast<std::size_t>(std::ranges::count(token.text, '\n'));
      if (token.kind == Kind::kString && token.line <= comment.line && comment.line <= last_line) {
        strings.push_back(&token);
      }
    }
    if (strings.size() == 1) {
      places.push_back(place_of(*strings[0]));
    } else {
      places.push_back({0, 0, comment.line, Literal::kPython,
                        "the line has " + std::to_string(strings.size()) + " string literals, not one"});
    }
  }
  return places;
}

}  // namespace tidegate::dataset
