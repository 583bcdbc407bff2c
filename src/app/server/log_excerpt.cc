#include "app/server/log_excerpt.h"

#include "base/text.h"

namespace tidegate::app {
namespace {

constexpr std::size_t kMaxLine = 500;

// How telling a line is; 0: not at all.
int weight(std::string_view line) {
  if (line.starts_with("E   ") && !trim(line.substr(4)).empty()) return 5;
  if (line.starts_with("  ") && (line.contains("cycle") || line.contains("dangling"))) return 5;
  if (line.starts_with("FAILED ")) return 4;
  if (line.contains("Error: ") || line.contains("error: ") || line.contains("refused")) return 3;
  if (line.starts_with("ERROR: Job failed")) return 0;
  if (line.starts_with("$ ")) return 0;
  return trim(line).empty() ? 0 : 1;
}

}  // namespace

std::string plain_line(std::string_view line) {
  std::string out;
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '\x1b' && i + 1 < line.size() && line[i + 1] == '[') {
      i += 2;
      while (i < line.size() && (line[i] < '@' || line[i] > '~')) ++i;
    } else if (line[i] == '\r') {
      // What stood before a carriage return was overwritten: sections, progress bars.
      if (i + 1 < line.size()) out.clear();
    } else {
      out += line[i];
    }
  }
  return out;
}

std::optional<LogLine> failing_line(std::string_view log) {
  std::optional<LogLine> best;
  int best_weight = 0;
  std::uint64_t number = 0;
  while (!log.empty()) {
    ++number;
    const std::size_t end = log.find('\n');
    const std::string line = plain_line(log.substr(0, std::min(end, kMaxLine * 4)));
    log = end == std::string_view::npos ? std::string_view() : log.substr(end + 1);
    if (line.starts_with("ERROR: Job failed")) break;
    const int here = weight(line);
    // Of plain lines the last counts, of telling ones the first.
    if (here == 0 || here < best_weight || (here == best_weight && here > 1)) continue;
    best_weight = here;
    best = LogLine{number, std::string(trim(line)).substr(0, kMaxLine)};
  }
  return best;
}

}  // namespace tidegate::app
