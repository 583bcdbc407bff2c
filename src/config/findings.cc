#include "config/findings.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <tuple>
#include <vector>

#include <fmt/core.h>

#include "base/text.h"

namespace tidegate::config {
namespace {
constexpr std::size_t kMost = 300;
}

bool has_errors(const Diagnostics& diagnostics) {
  return std::ranges::any_of(diagnostics,
                             [](const Diagnostic& found) { return found.severity == Severity::kError; });
}

void Findings::add(Diagnostic diagnostic) {
  const bool is_error = diagnostic.severity == Severity::kError;
  ++reported_;
  if (is_error) ++errors_;
  if (diagnostic.job.empty()) diagnostic.job = job_;
  // An error must never be lost to a flood of warnings, so those have half the room.
  if (list_.size() >= (is_error ? kMost : kMost / 2)) {
    if (is_error && list_.size() == kMost)
      list_.push_back({.severity = Severity::kError,
                       .code = "too-many-findings",
                       .message = "More is wrong; only the first findings are shown",
                       .place = diagnostic.place,
                       .hint = {}});
    return;
  }
  // Of what is wrong in a part that many jobs share, the first job is told.
  const auto same = [&](const Diagnostic& other) {
    return other.place == diagnostic.place && other.code == diagnostic.code &&
           other.message == diagnostic.message;
  };
  if (std::ranges::none_of(list_, same)) list_.push_back(std::move(diagnostic));
}

void Findings::error(std::string code, const yaml::Mark& mark, std::string message, std::string hint) {
  add({.severity = Severity::kError,
       .code = std::move(code),
       .message = std::move(message),
       .place = mark.place(),
       .hint = std::move(hint)});
}

void Findings::warning(std::string code, const yaml::Mark& mark, std::string message, std::string hint) {
  add({.severity = Severity::kWarning,
       .code = std::move(code),
       .message = std::move(message),
       .place = mark.place(),
       .hint = std::move(hint)});
}

std::string Findings::did_you_mean(std::string_view name, std::size_t count,
                                   const std::function<std::vector<std::string>()>& candidates) {
  if (count > comparisons_left_) return {};
  comparisons_left_ -= count;
  const auto near = nearest(name, candidates());
  return near ? fmt::format("Did you mean {}?", *near) : std::string();
}

Diagnostics Findings::take() {
  std::map<std::string, std::size_t> files;
  for (const Diagnostic& found : list_) files.try_emplace(found.place.file, files.size());
  std::vector<std::size_t> order(list_.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::sort(order, {}, [&](std::size_t i) {
    const Place& place = list_[i].place;
    return std::tuple(files[place.file], place.line, place.column, i);
  });
  Diagnostics sorted;
  sorted.reserve(list_.size());
  for (const std::size_t i : order) sorted.push_back(std::move(list_[i]));
  list_.clear();
  return sorted;
}

}  // namespace tidegate::config
