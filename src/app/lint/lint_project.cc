#include "app/lint/lint_project.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <tuple>

#include <fmt/core.h>

#include "base/text.h"
#include "config/project_file.h"
#include "dataset/binding.h"
#include "pipeline/lints/lint.h"
#include "pipeline/plan.h"

namespace tidegate::app {
namespace {

using config::Diagnostics;

constexpr const char* kProjectFile = "tidegate.yml";

void append(Diagnostics& to, Diagnostics more) {
  std::ranges::move(more, std::back_inserter(to));
}

config::Diagnostic fault(const config::Place& place, std::string message, std::string hint) {
  return {.severity = config::Severity::kError,
          .code = "binding-not-there",
          .message = std::move(message),
          .place = place,
          .hint = std::move(hint)};
}

/// Data is bound in exactly one place of each file; a lock file may be missing, it is made.
void check_bindings(const config::ProjectFile& project, const config::Sources& sources, Diagnostics& out) {
  for (const config::DataSource& source : project.data)
    for (const config::Binding& place : source.bind) {
      if (!place.variable.empty()) continue;  // stands in no file
      const bool is_lock = place.name.empty() && place.marker.empty();
      const auto text = sources.read ? sources.read(place.file) : std::nullopt;
      if (!text) {
        if (!is_lock)
          out.push_back(fault(source.place,
                              fmt::format("data:{}: {} is not there, so no new data can be bound in it",
                                          printable(source.name), printable(place.file)),
                              "Name a file of the repository, from its root."));
        continue;
      }
      const auto bound = dataset::read_binding({place.file, place.name, place.marker}, *text);
      if (bound || is_lock) continue;
      out.push_back(
          fault(source.place, fmt::format("data:{}: {}", printable(source.name), bound.error().message),
                fmt::format("New versions would be rejected; there must be exactly one such place in {}.",
                            printable(place.file))));
    }
}

std::vector<std::string> all_codes() {
  std::vector<std::string> codes = pipeline::lints::lint_codes();
  for (const char* other : {"duplicate-key", "unsupported-keyword", "no-effect", "no-binding", "all"})
    codes.emplace_back(other);
  return codes;
}

void check_switches(const config::ProjectFile& project, Diagnostics& out) {
  for (const config::LintSwitch& off : project.lint_disable)
    if (std::string hint = unknown_lint({off.code}); !hint.empty())
      out.push_back({.severity = config::Severity::kWarning,
                     .code = "unknown-lint",
                     .message = "lint:disable: " + hint,
                     .place = off.place,
                     .hint = "Codes stand in brackets behind each warning."});
}

/// Files in order of first appearance, then by place.
void sort_by_place(Diagnostics& found) {
  std::map<std::string, std::size_t> files;
  for (const auto& one : found) files.try_emplace(one.place.file, files.size());
  std::vector<std::pair<std::tuple<std::size_t, std::uint32_t, std::uint32_t, std::size_t>, std::size_t>>
      order;
  for (std::size_t i = 0; i < found.size(); ++i)
    order.push_back({{files[found[i].place.file], found[i].place.line, found[i].place.column, i}, i});
  std::ranges::sort(order);
  Diagnostics sorted;
  for (const auto& [key, at] : order) sorted.push_back(std::move(found[at]));
  found = std::move(sorted);
}

}  // namespace

std::string unknown_lint(const std::vector<std::string>& codes) {
  const auto known = all_codes();
  for (const std::string& code : codes) {
    if (std::ranges::find(known, code) != known.end()) continue;
    const auto near = nearest(code, known);
    return fmt::format("there is no warning {}{}", printable(code, 60),
                       near ? fmt::format("; did you mean {}?", *near) : std::string());
  }
  return {};
}

LintReport lint_project(const config::Loaded& loaded, const config::Sources& sources,
                        const std::vector<std::string>& disabled) {
  LintReport report;
  Diagnostics& found = report.diagnostics;
  found = loaded.diagnostics;
  if (const config::Definition* definition = loaded.readable()) {
    Diagnostics rules = pipeline::check_rules(*definition);
    config::trace(rules, loaded.origins);
    append(found, std::move(rules));
  }
  report.valid = loaded.definition && !config::has_errors(found);
  append(found, pipeline::lints::lint(loaded, sources));
  std::vector<std::string> off = disabled;
  if (const auto text = sources.read ? sources.read(kProjectFile) : std::nullopt) {
    config::LoadedProjectFile project = config::load_project_file(*text, kProjectFile);
    append(found, std::move(project.diagnostics));
    check_bindings(project.file, sources, found);
    check_switches(project.file, found);
    for (const config::LintSwitch& one : project.file.lint_disable) off.push_back(one.code);
  }
  pipeline::lints::drop_disabled(found, off, sources);
  sort_by_place(found);
  return report;
}

}  // namespace tidegate::app
