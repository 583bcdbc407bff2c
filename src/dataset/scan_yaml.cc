// YAML, as far as keys, strings, comments and block scalars go. Lines more indented than the node that a
// scalar belongs to are part of the scalar (YAML 1.2, chapter 7.3.3 and 8.1), so text in them is never a key.
#include <optional>
#include <utility>

#include "base/text.h"
#include "dataset/scan.h"

namespace tidegate::dataset {
namespace {

bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\0';
}

class YamlScanner {
 public:
  YamlScanner(std::string_view content, std::string_view name)
      : cursor_(content), content_(content), name_(name) {
    if (cursor_.starts_with("\xEF\xBB\xBF")) cursor_.skip(3);
  }

  Places run() {
    while (!cursor_.done()) TG_CHECK(scan_line());
    return std::move(places_);
  }

 private:
  // One line of block context, with what belongs to it below.
  Status scan_line() {
    line_start_ = cursor_.at();
    if (cursor_.peek() == '%') return end_line();
    if ((cursor_.starts_with("---") || cursor_.starts_with("...")) && is_blank(cursor_.peek(3)))
      cursor_.skip(3);
    cursor_.skip_blanks();
    std::size_t parent = column();  // of the node that a scalar here would belong to
    while ((cursor_.peek() == '-' || cursor_.peek() == '?') && is_blank(cursor_.peek(1)) && !cursor_.done()) {
      parent = column();
      cursor_.skip();
      cursor_.skip_blanks();
    }
    return scan_node(parent);
  }

  // A key with its value, or a value alone.
  Status scan_node(std::size_t parent) {
    const std::size_t key_column = column();
    skip_properties();
    if (at_end_or_comment()) return end_line();
    const char c = cursor_.peek();
    if (c == '|' || c == '>') return skip_scalar_below(parent);
    if (c == '{' || c == '[') {
      TG_CHECK(scan_flow());
      return end_line();
    }
    if (c == '"' || c == '\'') {
      TG_TRY(const Place text, take_quoted());
      cursor_.skip_blanks();
      if (cursor_.peek() != ':' || !is_blank(cursor_.peek(1))) return end_line();
      TG_TRY(const std::string key, unescape(text_of(text), text.literal));
      return scan_value(key_column, key == name_);
    }
    const std::optional<std::string_view> key = take_plain_key();
    if (!key) return skip_scalar_below(parent);
    return scan_value(key_column, *key == name_);
  }

  // Plain text up to ": "; nothing, and the cursor where it was, when there is none on this line.
  std::optional<std::string_view> take_plain_key() {
    Cursor ahead = cursor_;
    while (!ahead.at_line_end()) {
      if (ahead.peek() == ':' && is_blank(ahead.peek(1))) {
        const std::string_view key = trim(ahead.from(cursor_.at()));
        cursor_ = ahead;
        return key;
      }
      if (ahead.peek() == '#' && is_blank(content_[ahead.at() - 1])) break;
      ahead.skip();
    }
    return std::nullopt;
  }

  // After a key, at its ':'.
  Status scan_value(std::size_t key_column, bool wanted) {
    cursor_.skip();
    cursor_.skip_blanks();
    skip_properties();
    const std::size_t line = cursor_.line();
    const char c = at_end_or_comment() ? '\0' : cursor_.peek();
    if (c == '"' || c == '\'') {
      TG_TRY(Place place, take_quoted());
      cursor_.skip_blanks();
      if (!at_end_or_comment()) place.problem = "the value is more than one string";
      if (wanted) places_.push_back(std::move(place));
      return end_line();
    }
    const bool is_plain = c != '\0' && std::string_view("|>{[*").find(c) == std::string_view::npos;
    if (is_plain) return scan_plain_value(key_column, wanted);
    if (wanted) add_problem(line, "the value is not a string on the same line");
    if (c == '|' || c == '>') return skip_scalar_below(key_column);
    if (c == '{' || c == '[') TG_CHECK(scan_flow());
    return end_line();
  }

  Status scan_plain_value(std::size_t key_column, bool wanted) {
    Place place{cursor_.at(), cursor_.at(), cursor_.line(), Literal::kYamlPlain, ""};
    while (!at_end_or_comment()) {
      const bool blank = is_blank(cursor_.peek());
      cursor_.skip();
      if (!blank) place.end = cursor_.at();
    }
    TG_CHECK(end_line());
    if (skip_deeper_lines(key_column)) place.problem = "the value goes over more than one line";
    if (wanted) places_.push_back(std::move(place));
    return {};
  }

  // '{…}' or '[…]' with everything in it.
  Status scan_flow() {
    const std::size_t line = cursor_.line();
    std::size_t depth = 0;
    do {
      const char c = cursor_.peek();
      if (c == '{' || c == '[') ++depth;
      if (c == '}' || c == ']') --depth;
      if (c == '"' || c == '\'') {
        TG_TRY(const Place text, take_quoted());
        TG_TRY(const std::string key, unescape(text_of(text), text.literal));
        TG_CHECK(scan_flow_value(key));
      } else if (c == '#' && is_blank(content_[cursor_.at() - 1])) {
        cursor_.skip_line();
      } else if (is_blank(c) || std::string_view("{}[],:").contains(c)) {
        cursor_.skip();
      } else {
        TG_CHECK(scan_flow_value(take_flow_plain().first));
      }
    } while (depth > 0 && !cursor_.done());
    return depth == 0
               ? Status()
               : fail(Errc::kInvalid, "line " + std::to_string(line) + ": a bracket that is not closed");
  }

  // After what may have been a key.
  Status scan_flow_value(std::string_view key) {
    skip_white();
    if (cursor_.peek() != ':' || key != name_) return {};
    cursor_.skip();
    skip_white();
    skip_properties();
    const char c = cursor_.peek();
    if (c == '"' || c == '\'') {
      TG_TRY(Place place, take_quoted());
      places_.push_back(std::move(place));
    } else if (std::string_view("{}[],*").contains(c) || cursor_.done()) {
      add_problem(cursor_.line(), "the value is not a string");
    } else {
      const std::size_t line = cursor_.line();
      const auto [text, begin] = take_flow_plain();
      places_.push_back({begin, begin + text.size(), line, Literal::kYamlPlain, one_line_problem(text)});
    }
    return {};
  }

  std::pair<std::string_view, std::size_t> take_flow_plain() {
    const std::size_t begin = cursor_.at();
    while (!cursor_.done() && !std::string_view("{}[],").contains(cursor_.peek())) {
      const char next = cursor_.peek(1);
      if (cursor_.peek() == ':' && (is_blank(next) || std::string_view("{}[],").contains(next))) break;
      if (is_blank(cursor_.peek()) && next == '#') break;
      cursor_.skip();
    }
    return {trim(cursor_.from(begin)), begin};
  }

  Result<Place> take_quoted() {
    const char quote = cursor_.peek();
    Place place{cursor_.at(), 0, cursor_.line(), quote == '"' ? Literal::kYamlDouble : Literal::kYamlSingle,
                ""};
    do {  // '' inside '…' is a quote: a string that goes on at once
      if (!cursor_.skip_string(std::string(1, quote), quote == '"', true)) return unterminated(place.line);
    } while (quote == '\'' && cursor_.peek() == '\'');
    place.end = cursor_.at();
    place.problem = one_line_problem(text_of(place));
    return place;
  }

  // Tags and anchors before a node: `!reference`, `&name`.
  void skip_properties() {
    while (cursor_.peek() == '!' || cursor_.peek() == '&') {
      while (!is_blank(cursor_.peek())) cursor_.skip();
      cursor_.skip_blanks();
    }
  }

  Status skip_scalar_below(std::size_t column) {
    TG_CHECK(end_line());
    static_cast<void>(skip_deeper_lines(column));
    return {};
  }

  // Lines indented by more than `column`; true when one of them has text.
  bool skip_deeper_lines(std::size_t column) {
    bool any = false;
    for (;;) {
      Cursor ahead = cursor_;
      std::size_t indent = 0;
      while (ahead.peek() == ' ') {
        ahead.skip();
        ++indent;
      }
      const bool is_empty = ahead.at_line_end();
      if (ahead.done() || (!is_empty && indent <= column)) return any;
      any = any || (!is_empty && ahead.peek() != '#');
      ahead.skip_line();
      ahead.skip();
      cursor_ = ahead;
    }
  }

  Status end_line() {
    cursor_.skip_line();
    cursor_.skip();
    return {};
  }

  bool at_end_or_comment() const {
    return cursor_.at_line_end() ||
           (cursor_.peek() == '#' && (cursor_.at() == line_start_ || is_blank(content_[cursor_.at() - 1])));
  }
  void skip_white() {
    while (!cursor_.done() && is_blank(cursor_.peek())) cursor_.skip();
  }
  std::size_t column() const { return cursor_.at() - line_start_; }
  std::string_view text_of(const Place& place) const {
    return content_.substr(place.begin, place.end - place.begin);
  }
  void add_problem(std::size_t line, std::string problem) {
    places_.push_back({0, 0, line, Literal::kYamlPlain, std::move(problem)});
  }

  Cursor cursor_;
  std::string_view content_;
  std::string_view name_;
  std::size_t line_start_ = 0;
  std::vector<Place> places_;
};

}  // namespace

Places scan_yaml(std::string_view content, std::string_view name) {
  return YamlScanner(content, name).run();
}

}  // namespace tidegate::dataset
