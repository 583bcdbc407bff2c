#include "release/grades.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/text.h"

namespace tidegate::release {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// One or two digits in front of `text`, taken off.
std::optional<int> take_number(std::string_view& text) {
  std::size_t digits = 0;
  while (digits < text.size() && is_digit(text[digits])) ++digits;
  if (digits == 0 || digits > 2) return std::nullopt;
  int number = 0;
  for (const char c : text.substr(0, digits)) number = number * 10 + (c - '0');
  text.remove_prefix(digits);
  return number;
}

bool take(std::string_view& text, std::string_view word) {
  if (!text.starts_with(word)) return false;
  text.remove_prefix(word.size());
  return true;
}

// UTF-8 of U+AC00 … U+D7A3, and of the letters U+1100 … that NFD writes instead.
bool begins_with_hangul(std::string_view text) {
  if (text.size() < 3) return false;
  const std::string_view first = text.substr(0, 3);
  return (first >= "\xEA\xB0\x80" && first <= "\xED\x9E\xA3") ||
         (first >= "\xE1\x84\x80" && first <= "\xE1\x87\xBF");
}

std::optional<Grades> joined(std::optional<Grades> one, std::optional<Grades> other) {
  if (!one || !other) return one ? one : other;
  return Grades{std::min(one->first, other->first), std::max(one->last, other->last)};
}

std::optional<Grades> grades_of_number(double number) {
  if (number != static_cast<double>(static_cast<int>(std::clamp(number, -1.0, 99.0)))) return std::nullopt;
  return Grades{static_cast<int>(number), static_cast<int>(number)};
}

struct ReadGrades {
  std::optional<Grades> operator()(bool) const { return std::nullopt; }
  std::optional<Grades> operator()(std::int64_t number) const {
    return grades_of_number(static_cast<double>(number));
  }
  std::optional<Grades> operator()(double number) const { return grades_of_number(number); }
  std::optional<Grades> operator()(const std::string& text) const { return parse_grades(text); }
  template <class T>
  std::optional<Grades> operator()(const std::vector<T>& list) const {
    std::optional<Grades> all;
    for (const auto& item : list) all = joined(all, (*this)(item));
    return all;
  }
};

const GraphValue* find(const GraphNode& node, std::string_view name) {
  const auto found = std::ranges::find(node.properties, name, &GraphProperty::name);
  return found == node.properties.end() ? nullptr : &found->value;
}

}  // namespace

std::optional<Grades> parse_grades(std::string_view text) {
  text = trim(text);
  const std::string upper = to_upper(text);
  if (upper == "K" || upper == "KG") return Grades{0, 0};
  if (upper == "PK") return Grades{-1, -1};
  const auto first = take_number(text);
  if (!first) return std::nullopt;
  auto last = first;
  text = trim(text);
  if (take(text, "-") || take(text, "~") || take(text, "–")) {
    text = trim(text);
    last = take_number(text);
    if (!last || *last < *first) return std::nullopt;
    text = trim(text);
  }
  if (!text.empty() && text != "학년" && text != "학년군") return std::nullopt;
  return Grades{*first, *last};
}

Grades band_of(int last, const std::vector<int>& bands) {
  const auto found = std::ranges::find(bands, last);
  if (found == bands.end()) return {last, last};
  return {found == bands.begin() ? 1 : *(found - 1) + 1, last};
}

std::optional<Grades> grades_of_code(std::string_view code, const std::vector<int>& bands) {
  code = trim(code);
  if (take(code, "[")) code = trim(code);
  const auto number = take_number(code);
  if (!number || !begins_with_hangul(trim(code))) return std::nullopt;
  return band_of(*number, bands);
}

std::optional<Grades> grades_of(const GraphNode& node, const std::vector<int>& bands) {
  if (const auto* band = find(node, "grade_band")) {
    const auto grades = std::visit(ReadGrades{}, *band);
    if (grades) return grades->first == grades->last ? band_of(grades->last, bands) : *grades;
  }
  for (const std::string_view name : {"grade", "grade_level", "education_level"}) {
    const auto* value = find(node, name);
    const auto grades = value == nullptr ? std::nullopt : std::visit(ReadGrades{}, *value);
    if (grades) return grades;
  }
  const auto* value = find(node, "code");
  const auto* code = value == nullptr ? nullptr : std::get_if<std::string>(value);
  return code == nullptr ? std::nullopt : grades_of_code(*code, bands);
}

std::string to_string(const Grades& grades) {
  if (grades.first == grades.last) return fmt::format("grade {}", grades.first);
  return fmt::format("grades {} to {}", grades.first, grades.last);
}

}  // namespace tidegate::release
