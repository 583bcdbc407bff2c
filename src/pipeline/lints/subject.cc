#include "pipeline/lints/subject.h"

#include <algorithm>

#include "base/text.h"

namespace tidegate::pipeline::lints {

bool Reading::mentions(std::string_view part) const {
  return std::ranges::any_of(lines, [&](const Line& line) { return line.text.contains(part); });
}

bool Reading::mentions_any(std::initializer_list<std::string_view> parts) const {
  return std::ranges::any_of(parts, [&](std::string_view part) { return mentions(part); });
}

Subject::Subject(const config::Definition& definition_in, const config::Origins& origins_in,
                 const config::Sources& sources_in)
    : definition(definition_in),
      origins(origins_in),
      sources(sources_in),
      worlds(definition_in, conditions),
      stray(definition_in, conditions, Push::kStray) {
  for (const config::Variable& variable : definition.variables)
    variables_.emplace(variable.key, variable.value);
  for (std::size_t i = 0; i < definition.stages.size(); ++i) stages_.emplace(definition.stages[i], i);
  jobs.reserve(definition.jobs.size());
  for (const config::Job& job : definition.jobs) {
    by_name.emplace(job.name, jobs.size());
    jobs.push_back(read_lines(job));
    jobs.back().reach = worlds.reach(job);
    jobs.back().stray = stray.reach(job);
  }
}

std::span<const Command> Subject::commands_of(std::string_view line) {
  const auto found = commands_.find(line);
  if (found != commands_.end()) return found->second;
  return commands_.emplace(line, shell_commands(line)).first->second;
}

Reading Subject::read_lines(const config::Job& job) {
  Reading reading{.job = &job, .stage = 0, .lines = {}, .after = {}, .reach = {}, .stray = {}};
  const auto stage = stages_.find(job.stage);
  reading.stage = stage == stages_.end() ? definition.stages.size() : stage->second;
  const auto add = [&](std::vector<Line>& to, const std::vector<std::string>& lines,
                       const std::vector<config::Place>& places) {
    for (std::size_t i = 0; i < lines.size(); ++i)
      to.push_back({.text = lines[i],
                    .place = i < places.size() ? &places[i] : &job.place,
                    .commands = commands_of(lines[i])});
  };
  reading.lines.reserve(job.before_script.size() + job.script.size());
  add(reading.lines, job.before_script, job.before_script_places);
  add(reading.lines, job.script, job.script_places);
  add(reading.after, job.after_script, {});
  return reading;
}

const Reading* Subject::find(const std::string& name) const {
  const auto found = by_name.find(name);
  return found == by_name.end() ? nullptr : &jobs[found->second];
}

std::optional<std::string> Subject::variable(const config::Job& job, std::string_view name) const {
  const auto own = std::ranges::find(job.variables, name, &config::Variable::key);
  return own != job.variables.end() ? own->value : variable(name);
}

std::optional<std::string> Subject::variable(std::string_view name) const {
  const auto found = variables_.find(name);
  return found == variables_.end() ? std::nullopt : std::optional<std::string>(found->second);
}

bool Subject::sets_variable(const config::Job& job, std::string_view prefix) const {
  const auto named = [&](const config::Variable& variable) { return variable.key.starts_with(prefix); };
  const auto near = variables_.lower_bound(prefix);
  return (near != variables_.end() && near->first.starts_with(prefix)) ||
         std::ranges::any_of(job.variables, named);
}

std::optional<std::string> Subject::read(const std::string& path) const {
  return sources.read ? sources.read(path) : std::nullopt;
}

bool is_docker(const Command& command, std::string_view verb) {
  if (command.words.size() < 3 || (command.name() != "docker" && command.name() != "podman")) return false;
  const std::string& second = command.words[1];
  return second == verb || ((second == "image" || second == "buildx") && command.words[2] == verb);
}

bool has_own_registry(const config::Job& job) {
  return std::ranges::any_of(job.services, [](const config::Service& service) {
    return std::ranges::any_of(service.command.value_or(std::vector<std::string>()),
                               [](const std::string& word) { return word.contains("insecure-registry"); });
  });
}

bool is_test_runner(const Command& command) {
  return command.name() == "pytest" || command.name() == "ctest" || command.name() == "tox" ||
         command.begins({"python", "-m", "pytest"}) || command.begins({"python3", "-m", "pytest"}) ||
         command.begins({"go", "test"}) || command.begins({"cargo", "test"}) ||
         command.begins({"npm", "test"}) || command.begins({"npm", "run", "test"}) ||
         command.begins({"make", "test"}) || command.begins({"make", "check"});
}

bool deploys(const config::Job& job) {
  return job.environment && (job.environment->action.empty() || job.environment->action == "start");
}

std::string name_of(const Reading& reading) {
  return printable(reading.job->name, 100);
}

}  // namespace tidegate::pipeline::lints
