// JSON (RFC 8259), as far as strings go; what is between them is not judged.
#include "dataset/scan.h"

namespace tidegate::dataset {
namespace {

void skip_white(Cursor& cursor) {
  while (cursor.peek() == ' ' || cursor.peek() == '\t' || cursor.peek() == '\n' || cursor.peek() == '\r') {
    cursor.skip();
  }
}

}  // namespace

Places scan_json(std::string_view content, std::string_view name) {
  std::vector<Place> places;
  Cursor cursor(content);
  while (!cursor.done()) {
    if (cursor.peek() != '"') {
      cursor.skip();
      continue;
    }
    const std::size_t begin = cursor.at();
    const std::size_t line = cursor.line();
    if (!cursor.skip_string("\"", true, false)) return unterminated(line);
    const std::string_view text = cursor.from(begin);
    skip_white(cursor);
    if (cursor.peek() != ':') continue;
    TG_TRY(const std::string member, unescape(text, Literal::kJson));
    if (member != name) continue;
    cursor.skip();
    skip_white(cursor);
    Place place{cursor.at(), 0, cursor.line(), Literal::kJson, ""};
    if (cursor.peek() == '"') {
      if (!cursor.skip_string("\"", true, false)) return unterminated(place.line);
      place.end = cursor.at();
    } else {
      place.problem = "the value is not a string";
    }
    places.push_back(std::move(place));
  }
  return places;
}

}  // namespace tidegate::dataset
