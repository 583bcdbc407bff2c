// TOML 1.0, as far as strings, comments and keys go.
#include <optional>

#include "base/text.h"
#include "dataset/scan.h"

namespace tidegate::dataset {
namespace {

bool is_bare(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

class TomlScanner {
 public:
  TomlScanner(std::string_view content, std::string_view name) : cursor_(content), name_(name) {
    if (cursor_.starts_with("\xEF\xBB\xBF")) cursor_.skip(3);
  }

  Places run() {
    while (!cursor_.done()) {
      const char c = cursor_.peek();
      if (c == '#') {
        cursor_.skip_line();
      } else if (c == '"' || c == '\'') {
        TG_TRY(const std::string_view text, take_string());
        TG_CHECK(after_key(text));
      } else if (is_bare(c)) {
        const std::size_t begin = cursor_.at();
        while (is_bare(cursor_.peek())) cursor_.skip();
        TG_CHECK(after_key(cursor_.from(begin)));
      } else {
        dotted_ = c == '.' || (dotted_ && (c == ' ' || c == '\t'));
        cursor_.skip();
      }
    }
    return std::move(places_);
  }

 private:
  Result<std::string_view> take_string() {
    const std::size_t begin = cursor_.at();
    const std::size_t line = cursor_.line();
    const char quote = cursor_.peek();
    const std::string triple(3, quote);
    const bool is_long = cursor_.starts_with(triple);
    if (!cursor_.skip_string(is_long ? triple : triple.substr(2), quote == '"', is_long)) {
      return unterminated(line);
    }
    while (is_long && cursor_.peek() == quote) cursor_.skip();  // up to two quotes may stand before the end
    return cursor_.from(begin);
  }

  // Only a key can be followed by '='; so what was read is one, or else a value.
  Status after_key(std::string_view text) {
    const bool is_part = std::exchange(dotted_, false);
    cursor_.skip_blanks();
    if (cursor_.peek() != '=') return {};
    cursor_.skip();
    cursor_.skip_blanks();
    std::string key(text);
    if (text.front() == '"' || text.front() == '\'') {
      TG_TRY(key, unescape(text, text.front() == '"' ? Literal::kTomlBasic : Literal::kTomlRaw));
    }
    if (key != name_) return {};
    Place place{cursor_.at(), 0, cursor_.line(), Literal::kTomlBasic, ""};
    const char quote = cursor_.peek();
    if (quote == '"' || quote == '\'') {
      TG_TRY(const std::string_view value, take_string());
      if (quote == '\'') place.literal = Literal::kTomlRaw;
      place.end = cursor_.at();
      const bool is_long = value.size() >= 6 && value.starts_with(std::string(3, quote));
      place.problem = is_long ? "the value is a string over several lines" : one_line_problem(value);
    } else {
      place.problem = "the value is not a string";
    }
    if (is_part) place.problem = "the name is part of a dotted key";
    places_.push_back(std::move(place));
    return {};
  }

  Cursor cursor_;
  std::string_view name_;
  bool dotted_ = false;
  std::vector<Place> places_;
};

}  // namespace

Places scan_toml(std::string_view content, std::string_view name) {
  return TomlScanner(content, name).run();
}

}  // namespace tidegate::dataset
