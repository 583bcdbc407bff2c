#include "app/local/trace_lines.h"

namespace tidegate::app {

namespace {

constexpr std::size_t kLongestLine = 64U << 10U;
constexpr std::string_view kClear = "\x1b[0K";

// section_start:<time>:<name> or section_end; nothing else.
struct Mark {
  bool is_mark = false;
  bool start = false;
  std::string_view name;
};
Mark mark_of(std::string_view text) {
  while (text.starts_with(kClear)) text.remove_prefix(kClear.size());
  const bool start = text.starts_with("section_start:");
  if (!start && !text.starts_with("section_end:")) return {};
  text.remove_prefix(text.find(':') + 1);
  const std::size_t digits = text.find_first_not_of("0123456789");
  if (digits == 0 || digits == std::string_view::npos || text[digits] != ':') return {};
  text.remove_prefix(digits + 1);
  return {true, start, text.substr(0, text.find('['))};
}

}  // namespace

void TraceLines::feed(std::string_view bytes) {
  for (const char c : bytes) {
    if (c == '\n') {
      end_line();
      continue;
    }
    line_.push_back(c);
    if (line_.size() >= kLongestLine) end_line();
  }
}

void TraceLines::finish() {
  if (!line_.empty()) end_line();
}

void TraceLines::end_line() {
  std::string_view rest = line_;
  std::string_view shown;
  bool only_marks = true;
  while (!rest.empty()) {
    const std::size_t end = rest.find('\r');
    const std::string_view part = rest.substr(0, end);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    const Mark mark = end == std::string_view::npos ? Mark{} : mark_of(part);
    if (mark.is_mark) {
      section_ = mark.start ? std::string(mark.name) : std::string();
      shown = {};
      continue;
    }
    if (part.empty()) continue;
    shown = part;
    only_marks = false;
  }
  while (shown.starts_with(kClear)) shown.remove_prefix(kClear.size());
  if (!only_marks || line_.empty()) on_line_(section_, shown);
  line_.clear();
}

std::string without_escapes(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] != '\x1b') {
      out.push_back(text[at]);
      continue;
    }
    if (at + 1 >= text.size() || text[at + 1] != '[') continue;
    at += 2;  // parameters, then one final byte
    while (at < text.size() && (text[at] < 0x40 || text[at] > 0x7e)) ++at;
  }
  return out;
}

}  // namespace tidegate::app
