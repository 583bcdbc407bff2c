#include "pipeline/coverage.h"

#include <cstdlib>

namespace tidegate::pipeline {
namespace {

constexpr std::size_t kLongestLine = 64U << 10U;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/// The first number of a text: digits, and a fraction when there is one.
std::optional<double> first_number(std::string_view text) {
  std::size_t begin = 0;
  while (begin < text.size() && !is_digit(text[begin])) ++begin;
  if (begin == text.size()) return std::nullopt;
  std::size_t end = begin;
  while (end < text.size() && is_digit(text[end])) ++end;
  if (end + 1 < text.size() && text[end] == '.' && is_digit(text[end + 1])) {
    ++end;
    while (end < text.size() && is_digit(text[end])) ++end;
  }
  return std::strtod(std::string(text.substr(begin, end - begin)).c_str(), nullptr);
}

}  // namespace

CoverageFinder::CoverageFinder(const std::string& pattern) {
  if (pattern.empty()) return;
  if (auto regex = Regex::compile(pattern)) regex_ = std::move(*regex);
}

void CoverageFinder::feed(std::string_view bytes) {
  if (!regex_) return;
  while (!bytes.empty()) {
    const std::size_t end = bytes.find('\n');
    const std::string_view part = bytes.substr(0, end);
    line_.append(part.substr(0, kLongestLine - line_.size()));
    if (end == std::string_view::npos) return;
    end_line();
    bytes.remove_prefix(end + 1);
  }
}

void CoverageFinder::end_line() {
  if (const auto match = regex_->last_match(line_))
    if (const auto number = first_number(*match)) found_ = number;
  line_.clear();
}

std::optional<double> CoverageFinder::coverage() {
  if (regex_ && !line_.empty()) end_line();
  return found_;
}

}  // namespace tidegate::pipeline
