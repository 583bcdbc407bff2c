#include "app/server/log_excerpt.h"

#include <algorithm>
#include <array>

#include "base/text.h"

namespace tidegate::app {
namespace {

constexpr std::size_t kMaxLine = 500;
constexpr int kMaxFollowing = 4;

// How telling a line is; 0: not at all.
int weight(std::string_view line) {
  if (line.starts_with("E   ")) return trim(line.substr(4)).empty() ? 0 : 5;
  if (line.starts_with("FAILED ")) return 4;
  if (line.contains("Error: ") || line.contains("error: ") || line.contains("refused")) return 3;
  if (line.starts_with("ERROR: Job failed")) return 0;
  if (line.starts_with("$ ")) return 0;
  return trim(line).empty() ? 0 : 1;
}

// Whether a line goes on with what the line before announced by ending in a colon.
bool goes_on(std::string_view line) {
  static constexpr std::array<std::string_view, 7> kOthers = {"===",    "---",       "___",        "FAILED ",
                                                              "ERROR:", "Uploading", "Cleaning up"};
  return weight(line) > 0 &&
         std::ranges::none_of(kOthers, [&](auto other) { return line.starts_with(other); });
}

// "section_start:<unix time>:<name>\r": whether the line has this mark for this section.
bool has_mark(std::string_view raw, std::string_view mark, std::string_view name) {
  for (std::size_t at = raw.find(mark); at != std::string_view::npos; at = raw.find(mark, at + 1)) {
    const std::string_view rest = raw.substr(at + mark.size());
    const std::size_t colon = rest.find(':');
    if (colon != std::string_view::npos && rest.substr(colon + 1).starts_with(name)) return true;
  }
  return false;
}

// Where the job's own script speaks, and not the runner around it. A log without that section is all script.
class ScriptSection {
 public:
  explicit ScriptSection(std::string_view log) : inside_(!log.contains(":step_script\r")) {}
  /// Whether a line's own text belongs to the script.
  bool holds(std::string_view raw) {
    if (has_mark(raw, "section_end:", "step_script\r")) inside_ = false;
    const bool here = inside_;
    if (has_mark(raw, "section_start:", "step_script\r")) inside_ = true;
    return here;
  }

 private:
  bool inside_;
};

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
  int following = 0;  // lines that still belong to the best one
  std::uint64_t number = 0;
  ScriptSection script(log);
  while (!log.empty()) {
    ++number;
    const std::size_t end = log.find('\n');
    const std::string_view raw = log.substr(0, std::min(end, kMaxLine * 4));
    const bool by_script = script.holds(raw);
    const std::string line = plain_line(raw);
    log = end == std::string_view::npos ? std::string_view() : log.substr(end + 1);
    if (line.starts_with("ERROR: Job failed")) break;
    // Of what the runner says around the script only errors tell anything.
    const int here = by_script || weight(line) > 1 ? weight(line) : 0;
    if (here >= best_weight || !goes_on(line)) following = 0;
    if (following > 0) {
      --following;
      best->text += "\n" + std::string(trim(line)).substr(0, kMaxLine);
    }
    // Of plain lines the last counts, of telling ones the first.
    if (here == 0 || here < best_weight || (here == best_weight && here > 1)) continue;
    best_weight = here;
    best = LogLine{number, std::string(trim(line)).substr(0, kMaxLine)};
    following = here > 1 && best->text.ends_with(':') ? kMaxFollowing : 0;
  }
  return best;
}

}  // namespace tidegate::app
