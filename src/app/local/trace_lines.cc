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

namespace {

// The sequence at the start of `text`, which begins with ESC: CSI, parameters, one final byte; else ESC
// alone.
std::string_view escape_at(std::string_view text) {
  if (text.size() < 2 || text[1] != '[') return text.substr(0, 1);
  std::size_t end = 2;
  while (end < text.size() && (text[end] < 0x40 || text[end] > 0x7e)) ++end;
  return text.substr(0, end + 1);
}

}  // namespace

std::string without_escapes(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    if (text.front() == '\x1b') {
      text.remove_prefix(escape_at(text).size());
      continue;
    }
    out.push_back(text.front());
    text.remove_prefix(1);
  }
  return out;
}

std::string with_colors_only(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    if (text.front() == '\x1b') {
      const std::string_view sequence = escape_at(text);
      if (sequence.size() > 2 && sequence.ends_with('m')) out += sequence;
      text.remove_prefix(sequence.size());
      continue;
    }
    const char c = text.front();
    if (c == '\t') out += "    ";
    if (static_cast<unsigned char>(c) >= 0x20 && c != 0x7f) out.push_back(c);
    text.remove_prefix(1);
  }
  return out;
}

}  // namespace tidegate::app
