#include "dataset/binding.h"

#include <algorithm>

#include <fmt/core.h>

#include "base/text.h"
#include "dataset/scan.h"

namespace tidegate::dataset {
namespace {

constexpr std::string_view kLockMember = "uri";
constexpr std::string_view kLockHead = "{\n  \"tidegate\": \"data-lock/1\",\n  \"uri\": ";
constexpr std::string_view kLockTail = "\n}\n";

enum class Language : std::uint8_t { kPython, kJson, kToml, kYaml, kOther };

Language language_of(std::string_view file) {
  const std::string name = to_lower(file);
  const auto ends = [&name](std::string_view suffix) { return name.ends_with(suffix); };
  if (ends(".py") || ends(".pyi")) return Language::kPython;
  if (ends(".json")) return Language::kJson;
  if (ends(".toml")) return Language::kToml;
  if (ends(".yml") || ends(".yaml")) return Language::kYaml;
  return Language::kOther;
}

bool is_lock(const BindingPlace& place) {
  return place.name.empty() && place.marker.empty();
}

std::string what(const BindingPlace& place) {
  if (is_lock(place)) return printable(place.file);
  if (!place.marker.empty())
    return fmt::format("{}: the marker tidegate:{}", printable(place.file), printable(place.marker));
  return fmt::format("{}: {}", printable(place.file), printable(place.name));
}

Places scan(const BindingPlace& place, std::string_view content) {
  if (is_lock(place)) return scan_json(content, kLockMember);
  const Language language = language_of(place.file);
  if (!place.marker.empty()) {
    if (language == Language::kJson) return fail(Errc::kInvalid, "JSON has no comments; bind by name");
    return language == Language::kPython ? scan_python_marker(content, place.marker)
                                         : scan_marker(content, place.marker);
  }
  switch (language) {
    case Language::kPython:
      return scan_python(content, place.name);
    case Language::kJson:
      return scan_json(content, place.name);
    case Language::kToml:
      return scan_toml(content, place.name);
    case Language::kYaml:
      return scan_yaml(content, place.name);
    case Language::kOther:
      break;
  }
  return fail(
      Errc::kInvalid,
      "a name can be bound in .py, .yml, .yaml, .json and .toml files; put `# tidegate:<marker>` on the "
      "line and bind by marker");
}

// The one place, or why there is none.
Result<Place> find(const BindingPlace& place, std::string_view content) {
  if (content.find('\0') != std::string_view::npos) {
    return fail(Errc::kInvalid, what(place) + ": the file holds a NUL byte, so it is no text");
  }
  auto places = scan(place, content);
  if (!places) return with_context(what(place), std::move(places).error());
  if (places->empty()) {
    return fail(Errc::kInvalid,
                what(place) + (place.marker.empty() ? " is given no value there" : " is on no line"));
  }
  if (places->size() > 1) {
    std::vector<std::string> lines;
    for (const Place& found : *places) lines.push_back(std::to_string(found.line));
    return fail(Errc::kInvalid, fmt::format("{} stands in {} places (lines {}), not in exactly one",
                                            what(place), places->size(), join(lines, ", ")));
  }
  Place found = places->front();
  if (!found.problem.empty()) {
    return fail(Errc::kInvalid, fmt::format("{}: line {}: {}", what(place), found.line, found.problem));
  }
  return found;
}

Result<std::string> value_of(const BindingPlace& place, std::string_view content, const Place& found) {
  auto value = unescape(content.substr(found.begin, found.end - found.begin), found.literal);
  if (!value)
    return with_context(fmt::format("{}: line {}", what(place), found.line), std::move(value).error());
  return value;
}

// A lock file is ours from the first byte to the last: anything else in it was put there by somebody.
Status check_lock(const BindingPlace& place, std::string_view content) {
  if (auto found = find(place, content)) {
    if (content.substr(0, found->begin) == kLockHead && content.substr(found->end) == kLockTail) return {};
  }
  return fail(Errc::kInvalid,
              fmt::format("{}: not a data lock file of ours; name an assignment or a marker in it, "
                          "or remove it",
                          printable(place.file)));
}

Status check_address(std::string_view address) {
  // Other line breaks than '\n' (U+2028 and the like) mean different things to different languages, so only
  // what percent-encoding leaves is taken.
  const auto is_plain = [](char c) { return c >= 0x20 && c < 0x7f; };
  if (address.empty()) return fail(Errc::kInvalid, "an empty address");
  if (!std::ranges::all_of(address, is_plain)) {
    return fail(Errc::kInvalid,
                "an address must be percent-encoded, one line of plain ASCII: " + printable(address));
  }
  return {};
}

Result<Bound> bind_lock(const BindingPlace& place, std::string_view content, std::string_view address) {
  Bound bound{"", "", 3};
  if (!content.empty()) {
    TG_TRY(bound.previous, read_binding(place, content));
  }
  TG_TRY(const std::string literal, escape(address, "\"\"", Literal::kJson));
  bound.content = std::string(kLockHead) + literal + std::string(kLockTail);
  return bound;
}

}  // namespace

Result<Bound> bind(const BindingPlace& place, std::string_view content, std::string_view address) {
  TG_CHECK(check_address(address));
  if (is_lock(place)) return bind_lock(place, content, address);
  TG_TRY(const Place found, find(place, content));
  TG_TRY(std::string previous, value_of(place, content, found));
  Bound bound{std::string(content), std::move(previous), found.line};
  if (bound.previous == address) return bound;  // whatever way it is written
  const std::string_view old = content.substr(found.begin, found.end - found.begin);
  auto literal = escape(address, old, found.literal);
  if (!literal) return with_context(what(place), std::move(literal).error());
  bound.content.replace(found.begin, found.end - found.begin, *literal);
  return bound;
}

Result<std::string> read_binding(const BindingPlace& place, std::string_view content) {
  if (is_lock(place)) TG_CHECK(check_lock(place, content));
  TG_TRY(const Place found, find(place, content));
  return value_of(place, content, found);
}

}  // namespace tidegate::dataset
