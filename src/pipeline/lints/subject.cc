#include "pipeline/lints/subject.h"

#include <algorithm>
#include <iterator>

#include "base/text.h"

namespace tidegate::pipeline::lints {
namespace {

Reading read_lines(const config::Job& job, const config::Definition& definition) {
  Reading reading{.job = &job, .stage = 0, .lines = {}, .after = {}, .reach = {}};
  const auto stage = std::ranges::find(definition.stages, job.stage);
  reading.stage = static_cast<std::size_t>(stage - definition.stages.begin());
  const auto add = [&](const std::vector<std::string>& lines, const std::vector<config::Place>& places) {
    for (std::size_t i = 0; i < lines.size(); ++i)
      reading.lines.push_back({.text = lines[i],
                               .place = i < places.size() ? places[i] : job.place,
                               .commands = shell_commands(lines[i])});
  };
  add(job.before_script, job.before_script_places);
  add(job.script, job.script_places);
  for (const std::string& line : job.after_script)
    std::ranges::move(shell_commands(line), std::back_inserter(reading.after));
  return reading;
}

}  // namespace

bool Reading::mentions(std::string_view part) const {
  return std::ranges::any_of(lines, [&](const Line& line) { return line.text.contains(part); });
}

bool Reading::mentions_any(std::initializer_list<std::string_view> parts) const {
  return std::ranges::any_of(parts, [&](std::string_view part) { return mentions(part); });
}

Subject::Subject(const config::Definition& definition_in, const config::Origins& origins_in,
                 const config::Sources& sources_in)
    : definition(definition_in), origins(origins_in), sources(sources_in), worlds(definition_in) {
  jobs.reserve(definition.jobs.size());
  for (const config::Job& job : definition.jobs) {
    by_name.emplace(job.name, jobs.size());
    jobs.push_back(read_lines(job, definition));
    jobs.back().reach = worlds.reach(job);
  }
}

const Reading* Subject::find(const std::string& name) const {
  const auto found = by_name.find(name);
  return found == by_name.end() ? nullptr : &jobs[found->second];
}

std::optional<std::string> Subject::variable(const config::Job& job, std::string_view name) const {
  for (const config::Variables* list : {&job.variables, &definition.variables}) {
    const auto found = std::ranges::find(*list, name, &config::Variable::key);
    if (found != list->end()) return found->value;
  }
  return std::nullopt;
}

bool Subject::sets_variable(const config::Job& job, std::string_view prefix) const {
  const auto named = [&](const config::Variable& variable) { return variable.key.starts_with(prefix); };
  return std::ranges::any_of(job.variables, named) || std::ranges::any_of(definition.variables, named);
}

std::optional<std::string> Subject::read(const std::string& path) const {
  return sources.read ? sources.read(path) : std::nullopt;
}

bool is_docker(const Command& command, std::string_view verb) {
  if (command.words.size() < 3 || (command.name() != "docker" && command.name() != "podman")) return false;
  const std::string& second = command.words[1];
  return second == verb || ((second == "image" || second == "buildx") && command.words[2] == verb);
}

std::string name_of(const Reading& reading) {
  return printable(reading.job->name, 100);
}

}  // namespace tidegate::pipeline::lints
