// The graph of a plan for a terminal.
#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include <fmt/core.h>

#include "app/local/job_graph.h"
#include "base/text.h"
#include "base/width.h"

namespace tidegate::app {

namespace {

using pipeline::PlannedJob;

constexpr std::size_t kWidestName = 40;
constexpr std::size_t kLaneWidth = 3;  // arrow, wire, blank

struct Row {
  std::string text;
  const PlannedJob* job = nullptr;  // nothing: a heading
};

// One vertical line from the rows that are needed to those that need them.
struct Wire {
  std::vector<std::size_t> from;
  std::set<std::size_t> to;
  std::size_t lane = 0;

  std::size_t first() const { return std::min(from.front(), *to.begin()); }
  std::size_t last() const { return std::max(from.back(), *to.rbegin()); }
  bool leaves(std::size_t row) const { return std::ranges::binary_search(from, row); }
  bool touches(std::size_t row) const { return leaves(row) || to.contains(row); }
};

std::string note_of(const PlannedJob& job) {
  std::string out;
  if (job.when == config::When::kManual) out = "manual";
  if (job.when == config::When::kDelayed) out = "delayed";
  if (job.when == config::When::kOnFailure) out = "on failure";
  if (job.when == config::When::kAlways) out = "always";
  if (job.needs && job.needs->empty()) out += (out.empty() ? "" : ", ") + std::string("at once");
  return out.empty() ? out : " (" + out + ")";
}

std::vector<Row> rows_of(const pipeline::Plan& plan) {
  std::vector<Row> rows;
  std::string stage;
  for (const PlannedJob& job : plan.jobs) {
    if (!job.created) continue;
    if (job.stage != stage) rows.push_back({printable(stage = job.stage), nullptr});
    rows.push_back({"  " + fit_columns(job.name, kWidestName) + note_of(job), &job});
  }
  return rows;
}

// Wires in the order in which they begin. Jobs that the same jobs need share one.
std::vector<Wire> wires_of(const std::vector<Row>& rows) {
  std::map<std::string, std::size_t> row_of;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (rows[i].job != nullptr) row_of.emplace(rows[i].job->name, i);
  }
  std::map<std::size_t, std::set<std::size_t>> needed_by;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (rows[i].job == nullptr || !rows[i].job->needs) continue;
    for (const auto& need : *rows[i].job->needs) {
      if (const auto found = row_of.find(need.job); found != row_of.end()) needed_by[found->second].insert(i);
    }
  }
  std::map<std::set<std::size_t>, std::vector<std::size_t>> shared;
  for (const auto& [row, by] : needed_by) shared[by].push_back(row);
  std::vector<Wire> wires;
  for (auto& [to, from] : shared) wires.push_back({std::move(from), to, 0});
  std::ranges::sort(wires, {}, [](const Wire& wire) { return std::pair(wire.first(), wire.last()); });
  return wires;
}

// Each wire into the first lane that is free along it; the number of lanes. Ends early when there are more
// than `at_most`: they will not be drawn.
std::size_t assign_lanes(std::vector<Wire>& wires, std::size_t at_most) {
  std::vector<std::size_t> free_from;  // by lane: the row after its last wire
  for (Wire& wire : wires) {
    const auto lane = std::ranges::find_if(free_from, [&](std::size_t row) { return row <= wire.first(); });
    wire.lane = static_cast<std::size_t>(lane - free_from.begin());
    if (lane == free_from.end()) free_from.push_back(0);
    if (free_from.size() > at_most) break;
    free_from[wire.lane] = wire.last() + 1;
  }
  return free_from.size();
}

// A joint of the wire: up, down, and right when the row goes on to another wire.
std::string_view joint(bool up, bool down, bool right) {
  constexpr std::array<std::string_view, 8> kJoints{"─", "─", "┐", "┬", "┘", "┴", "┤", "┼"};
  return kJoints[(up ? 4U : 0U) + (down ? 2U : 0U) + (right ? 1U : 0U)];
}

// The part of a row at the right of its text.
std::string wires_at(std::size_t row, const std::vector<Wire>& wires, std::size_t lanes) {
  std::vector<const Wire*> here(lanes, nullptr);
  std::optional<std::size_t> farthest;  // the last lane that this row is joined to
  for (const Wire& wire : wires) {
    if (row < wire.first() || row > wire.last()) continue;
    here[wire.lane] = &wire;
    if (wire.touches(row)) farthest = std::max(farthest.value_or(0), wire.lane);
  }
  std::string out;
  for (std::size_t lane = 0; lane < lanes; ++lane) {
    const Wire* wire = here[lane];
    const bool inside = farthest && lane <= *farthest;
    const bool goes_on = farthest && lane < *farthest;
    const std::string_view line = inside ? "─" : " ";
    if (wire == nullptr) {
      out += fmt::format("{0}{0}", line);
    } else if (!wire->touches(row)) {
      out += fmt::format("{}│", line);  // crosses without a joint
    } else {
      out += wire->to.contains(row) ? "◀" : "─";
      out += joint(row > wire->first(), row < wire->last(), goes_on);
    }
    out += goes_on ? "─" : " ";
  }
  return out;
}

std::string with_wires(const std::vector<Row>& rows, const std::vector<Wire>& wires, std::size_t lanes,
                       std::size_t text_width) {
  std::string out;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const bool joined = std::ranges::any_of(wires, [i](const Wire& wire) { return wire.touches(i); });
    std::string line = rows[i].text + " ";
    for (std::size_t column = display_width(line); column <= text_width; ++column) line += joined ? "─" : " ";
    line += wires_at(i, wires, lanes);
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + "\n";
  }
  return out;
}

std::string with_names(const std::vector<Row>& rows, std::size_t text_width) {
  std::string out;
  for (const Row& row : rows) {
    std::string line = row.text;
    if (row.job != nullptr && row.job->needs && !row.job->needs->empty()) {
      line = pad_columns(line, text_width) + " ◀ ";
      for (const auto& need : *row.job->needs)
        line += (&need == row.job->needs->data() ? "" : ", ") + printable(need.job);
    }
    out += line + "\n";
  }
  return out;
}

}  // namespace

std::string text_graph(const pipeline::Plan& plan, std::size_t columns) {
  const std::vector<Row> rows = rows_of(plan);
  std::vector<Wire> wires = wires_of(rows);
  const std::size_t lanes = assign_lanes(wires, columns);
  std::size_t text_width = 0;
  bool by_stage = false;
  for (const Row& row : rows) {
    text_width = std::max(text_width, display_width(row.text));
    by_stage = by_stage || (row.job != nullptr && !row.job->needs && row.job->stage != rows.front().text);
  }
  const bool fits = text_width + 2 + lanes * kLaneWidth <= columns;
  std::string out = fits ? with_wires(rows, wires, lanes, text_width) : with_names(rows, text_width);
  if (!wires.empty() && by_stage)
    out += "\nJobs that no arrow enters wait for all earlier stages, unless they start at once.\n";
  return out;
}

}  // namespace tidegate::app
