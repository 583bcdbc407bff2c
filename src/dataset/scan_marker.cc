// Marked lines in files of any language that comments with '#' or "//".
#include <optional>

#include "base/text.h"
#include "dataset/scan.h"

namespace tidegate::dataset {
namespace {

// The marker's comment at the line's end: where it starts.
std::optional<std::size_t> comment_of(std::string_view line, std::string_view marker) {
  const std::string wanted = "tidegate:" + std::string(marker);
  if (!line.ends_with(wanted)) return std::nullopt;
  std::string_view before = trim(line.substr(0, line.size() - wanted.size()));
  for (const std::string_view sign : {"#", "//"}) {
    if (before.ends_with(sign))
      return static_cast<std::size_t>(before.data() - line.data()) + before.size() - sign.size();
  }
  return std::nullopt;
}

Place place_on(std::string_view line, std::size_t offset, std::size_t number) {
  Place place{0, 0, number, Literal::kUnknown, ""};
  std::size_t found = 0;
  Cursor cursor(line);
  while (!cursor.done()) {
    const char c = cursor.peek();
    if (c != '"' && c != '\'') {
      cursor.skip();
      continue;
    }
    const std::size_t begin = cursor.at();
    if (!cursor.skip_string(line.substr(begin, 1), true, false)) {
      place.problem = "a string that does not end";
      return place;
    }
    ++found;
    place.begin = offset + begin;
    place.end = offset + cursor.at();
  }
  if (found != 1) place.problem = "the line has " + std::to_string(found) + " string literals, not one";
  return place;
}

}  // namespace

Places scan_marker(std::string_view content, std::string_view marker) {
  std::vector<Place> places;
  std::size_t number = 0;
  for (std::size_t start = 0; start < content.size();) {
    std::size_t end = content.find('\n', start);
    if (end == std::string_view::npos) end = content.size();
    std::string_view line = content.substr(start, end - start);
    while (line.ends_with('\r') || line.ends_with(' ') || line.ends_with('\t')) line.remove_suffix(1);
    ++number;
    if (const auto comment = comment_of(line, marker)) {
      places.push_back(place_on(line.substr(0, *comment), start, number));
    }
    start = end + 1;
  }
  return places;
}

}  // namespace tidegate::dataset
