// Lints that read the Dockerfiles of the tree.
#include <algorithm>
#include <map>
#include <set>

#include <fmt/core.h>

#include "base/text.h"
#include "pipeline/lints/finders.h"

namespace tidegate::pipeline::lints {
namespace {

// A hostile tree has many Dockerfiles, and long ones. An image has at most 127 layers; people who build more
// images than this in one pipeline are told of the first.
constexpr std::size_t kMaxBytes = 200'000;
constexpr std::size_t kMaxInstructions = 500;
constexpr std::size_t kMaxRequirementFiles = 100;
constexpr std::size_t kMaxDockerfiles = 50;

struct Instruction {
  std::string name;  ///< upper case
  std::string text;
  std::uint32_t line = 0;
};

/// The instructions of a Dockerfile, continued lines joined, comments dropped.
std::vector<Instruction> instructions_of(std::string_view dockerfile) {
  std::vector<Instruction> out;
  std::string joined;
  std::uint32_t first = 0;
  std::uint32_t number = 0;
  for (const std::string& raw : split(dockerfile.substr(0, kMaxBytes), '\n')) {
    if (out.size() == kMaxInstructions) break;
    ++number;
    std::string_view line = trim(raw);
    if (line.starts_with('#') || (line.empty() && joined.empty())) continue;
    if (joined.empty()) first = number;
    const bool goes_on = line.ends_with('\\');
    if (goes_on) line.remove_suffix(1);
    joined.append(line).push_back(' ');
    if (goes_on) continue;
    const std::string_view whole = trim(joined);
    const auto space = std::min(whole.find_first_of(" \t"), whole.size());
    out.push_back(
        {.name = to_upper(whole.substr(0, space)), .text = std::string(whole.substr(space)), .line = first});
    joined.clear();
  }
  return out;
}

struct Build {
  const Reading* job = nullptr;
  config::Place place;
  std::string dockerfile;
};

/// The Dockerfile that a `docker build` command reads, as far as its words tell.
std::string dockerfile_of(const Command& command) {
  for (std::size_t i = 2; i < command.words.size(); ++i) {
    const std::string& word = command.words[i];
    if ((word == "-f" || word == "--file") && i + 1 < command.words.size()) return command.words[i + 1];
    if (word.starts_with("--file=")) return word.substr(7);
  }
  std::string context = command.words.back();
  if (context == ".") return "Dockerfile";
  while (context.ends_with('/')) context.pop_back();
  return context + "/Dockerfile";
}

/// Each Dockerfile of the pipeline once, where it is first built.
std::vector<Build> builds_of(const Subject& subject) {
  std::vector<Build> builds;
  std::set<std::string> seen;
  for (const Reading& reading : subject.jobs)
    for (const Line& line : reading.lines)
      for (const Command& command : line.commands) {
        if (!is_docker(command, "build")) continue;
        std::string path = dockerfile_of(command);
        if (path.starts_with("./")) path.erase(0, 2);
        if (path.contains('$') || !seen.insert(path).second) continue;
        if (builds.size() == kMaxDockerfiles) return builds;
        builds.push_back({.job = &reading, .place = *line.place, .dockerfile = std::move(path)});
      }
  return builds;
}

/// The requirement files that a RUN installs from.
std::vector<std::string> requirement_files(const Instruction& run) {
  std::vector<std::string> files;
  for (const Command& command : shell_commands(run.text)) {
    if (!command.has("install")) continue;
    for (std::size_t i = 0; i + 1 < command.words.size(); ++i)
      if ((command.words[i] == "-r" || command.words[i] == "--requirement") &&
          files.size() < kMaxRequirementFiles)
        files.push_back(command.words[i + 1]);
  }
  return files;
}

bool brings(const Instruction& instruction, const std::string& file) {
  if (instruction.name == "RUN") return instruction.text.contains(file);
  if (instruction.name != "COPY" && instruction.name != "ADD") return false;
  const std::string name = file.substr(file.rfind('/') + 1);
  if (instruction.text.contains(name) || instruction.text.contains('*')) return true;
  // A folder brings what is in it.
  return std::ranges::any_of(split(instruction.text, ' '), [](const std::string& word) {
    return !word.empty() && !word.starts_with("--") && word.find('.', 1) == std::string::npos;
  });
}

}  // namespace

void find_install_before_copy(Subject& subject, Warnings& out) {
  for (const Build& build : builds_of(subject)) {
    const auto text = subject.read(build.dockerfile);
    if (!text) continue;
    std::vector<Instruction> before;
    for (const Instruction& instruction : instructions_of(*text)) {
      if (instruction.name == "FROM") before.clear();
      for (const std::string& file : instruction.name == "RUN" && !instruction.text.contains("--mount")
                                         ? requirement_files(instruction)
                                         : std::vector<std::string>()) {
        const bool there =
            file.contains('$') || file.starts_with("http") || file.starts_with("/dev") ||
            std::ranges::any_of(before, [&](const Instruction& one) { return brings(one, file); });
        if (!there)
          out.add({.file = build.dockerfile, .line = instruction.line, .column = 1}, build.job->job->name,
                  fmt::format("{} installs from {} before anything copies it into the image",
                              printable(build.dockerfile), printable(file)),
                  "Put `COPY requirements.txt .` above; copy the rest of the code below, so that the "
                  "packages stay cached.");
      }
      before.push_back(instruction);
    }
  }
}

namespace {

bool runs_pytest(const Command& command) {
  return command.name() == "pytest" || (command.words.size() > 2 && command.name().starts_with("python") &&
                                        command.words[1] == "-m" && command.words[2] == "pytest");
}

bool is_plain_python(std::string_view name) {
  for (const std::string_view prefix : {"docker.io/", "library/"})
    if (name.starts_with(prefix)) name.remove_prefix(prefix.size());
  return name.starts_with("python:") || name == "python";
}

/// True when the Dockerfile builds on a plain Python image and neither it nor a requirement file that it
/// installs from mentions pytest.
bool lacks_pytest(const Subject& subject, const std::string& dockerfile) {
  const auto text = subject.read(dockerfile);
  if (!text || text->contains("pytest")) return false;
  bool plain = false;
  for (const Instruction& instruction : instructions_of(*text)) {
    if (instruction.name == "FROM") {
      const auto words = split(std::string(trim(instruction.text)), ' ');
      plain = is_plain_python(words.front());
      continue;
    }
    if (instruction.name != "RUN") continue;
    const auto files = requirement_files(instruction);
    for (const std::string& file : files) {
      const auto list = subject.read(file);
      if (!list || list->contains("pytest") || list->contains("-r ")) return false;
    }
    const bool other_way = files.empty() && instruction.text.contains("install") &&
                           (instruction.text.contains("pip install .") || instruction.text.contains("-e ") ||
                            instruction.text.contains("poetry") || instruction.text.contains("uv ") ||
                            instruction.text.contains(".whl"));
    if (other_way) return false;
  }
  return plain;
}

void find_pytest_in_plain_image(Subject& subject, Warnings& out) {
  for (const Reading& reading : subject.jobs) {
    if (!reading.job->image || !is_plain_python(reading.job->image->name)) continue;
    if (reading.mentions_any({"install", "sync", "venv", "activate", "uv ", "poetry", "pipenv", "conda",
                              "tox", "nox", "hatch", "pdm", "make ", ".sh", "source ", "export PATH"}))
      continue;
    for (const Line& line : reading.lines)
      if (std::ranges::any_of(line.commands, runs_pytest))
        out.add(*line.place, reading.job->name,
                fmt::format("{} runs pytest, which the image {} does not have", name_of(reading),
                            printable(reading.job->image->name)),
                "Install it first, or run the job in the image that was built with it.");
  }
}

/// The Dockerfile of each image that a job builds.
std::map<std::string, std::string> dockerfiles_by_image(const Subject& subject) {
  std::map<std::string, std::string> dockerfiles;
  for (const Reading& reading : subject.jobs)
    for (const Line& line : reading.lines)
      for (const Command& command : line.commands) {
        if (!is_docker(command, "build")) continue;
        const std::string dockerfile = dockerfile_of(command);
        for (std::size_t i = 2; i + 1 < command.words.size(); ++i)
          if (command.words[i] == "-t" || command.words[i] == "--tag")
            dockerfiles.emplace(command.words[i + 1], dockerfile);
      }
  return dockerfiles;
}

}  // namespace

void find_pytest_not_there(Subject& subject, Warnings& out) {
  find_pytest_in_plain_image(subject, out);
  const auto dockerfiles = dockerfiles_by_image(subject);
  std::map<std::string, bool> lacking;  // by Dockerfile
  const auto lacks = [&](const std::string& dockerfile) {
    const auto known = lacking.find(dockerfile);
    if (known != lacking.end()) return known->second;
    if (lacking.size() == kMaxDockerfiles) return false;
    return lacking.emplace(dockerfile, lacks_pytest(subject, dockerfile)).first->second;
  };
  for (const Reading& reading : subject.jobs) {
    auto own = reading.job->image ? dockerfiles.find(reading.job->image->name) : dockerfiles.end();
    if (own != dockerfiles.end() && reading.mentions("install")) own = dockerfiles.end();
    for (const Line& line : reading.lines)
      for (const Command& command : line.commands) {
        auto built = runs_pytest(command) ? own : dockerfiles.end();
        if (is_docker(command, "run") && command.has("pytest"))
          for (const std::string& word : command.words)
            if (built == dockerfiles.end()) built = dockerfiles.find(word);
        if (built == dockerfiles.end() || !lacks(built->second)) continue;
        out.add(*line.place, reading.job->name,
                fmt::format("{} runs pytest in an image that {} makes without it", name_of(reading),
                            printable(built->second)),
                "Install pytest in the image (a test stage of it), or in the job.");
      }
  }
}

}  // namespace tidegate::pipeline::lints
