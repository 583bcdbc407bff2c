#include "release/graph_places.h"

#include "base/text.h"

namespace tidegate::release {

std::string member_place(std::string_view element, std::string_view name) {
  std::string place(element);
  const bool pointer = element.empty() || element.front() == '/';
  if (!pointer) return place + ", " + printable(name, 60);
  return place + "/" + replace_all(replace_all(printable(name, 60), "~", "~0"), "/", "~1");
}

std::string in_quotes(std::string_view text) {
  return "\"" + printable(text, 120) + "\"";
}

}  // namespace tidegate::release
