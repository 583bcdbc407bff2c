#include "config/lint.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string_view>

#include <fmt/core.h>

#include "base/text.h"
#include "config/shell_words.h"

namespace tidegate::config {
namespace {

struct Line {
  std::string_view text;
  Place place;
  std::vector<Command> commands;
};

/// A job with its lines taken apart.
struct Reading {
  const Job* job = nullptr;
  std::size_t stage = 0;
  std::vector<Line> lines;
  std::set<std::string> built;   ///< images that `docker build -t` names
  std::set<std::string> pushed;  ///< … `docker push`
  bool gets_images = false;      ///< pulls, loads or builds any
};

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

bool is_docker(const Command& command, std::string_view verb) {
  return command.size() > 2 && (command[0] == "docker" || command[0] == "podman") &&
         (command[1] == verb || ((command[1] == "image" || command[1] == "buildx") && command[2] == verb));
}

bool mentions(const Reading& reading, std::string_view part) {
  return std::ranges::any_of(reading.lines, [&](const Line& line) { return contains(line.text, part); });
}

bool mentions_any(const Reading& reading, std::initializer_list<std::string_view> parts) {
  return std::ranges::any_of(parts, [&](std::string_view part) { return mentions(reading, part); });
}

void note_images(const Command& command, Reading& reading) {
  if (is_docker(command, "push")) reading.pushed.insert(command.back());
  if (is_docker(command, "pull") || is_docker(command, "load") || is_docker(command, "import"))
    reading.gets_images = true;
  if (!is_docker(command, "build")) return;
  reading.gets_images = true;
  for (std::size_t i = 2; i + 1 < command.size(); ++i)
    if (command[i] == "-t" || command[i] == "--tag") reading.built.insert(command[i + 1]);
}

Reading read(const Job& job, const Definition& definition) {
  Reading reading;
  reading.job = &job;
  const auto stage = std::ranges::find(definition.stages, job.stage);
  reading.stage = static_cast<std::size_t>(stage - definition.stages.begin());
  const auto add = [&](const std::vector<std::string>& lines, const std::vector<Place>& places) {
    for (std::size_t i = 0; i < lines.size(); ++i) {
      Line line{.text = lines[i], .place = i < places.size() ? places[i] : job.place, .commands = {}};
      line.commands = shell_commands(line.text);
      for (const Command& command : line.commands) note_images(command, reading);
      reading.lines.push_back(std::move(line));
    }
  };
  add(job.before_script, job.before_script_places);
  add(job.script, job.script_places);
  return reading;
}

class Linter {
 public:
  explicit Linter(const Definition& definition) : definition_(definition) {
    for (const Job& job : definition.jobs) jobs_.push_back(read(job, definition));
  }

  Diagnostics run() {
    for (const Reading& reading : jobs_) {
      check_image_tag(*reading.job);
      check_latest(reading);
      check_login(reading);
      check_heredoc(reading);
      check_image_of_other_job(reading);
      check_key_file(reading);
      check_pytest(reading);
      check_upgrade_in_place(reading);
    }
    return std::move(out_);
  }

 private:
  void check_image_tag(const Job& job);
  void check_latest(const Reading& reading);
  void check_login(const Reading& reading);
  void check_heredoc(const Reading& reading);
  void check_image_of_other_job(const Reading& reading);
  void check_key_file(const Reading& reading);
  void check_pytest(const Reading& reading);
  void check_upgrade_in_place(const Reading& reading);

  /// One warning of a kind for each place: lines are shared through anchors and extends.
  void warn(std::string code, const Place& place, std::string message, std::string hint) {
    Diagnostic found{.severity = Severity::kWarning,
                     .code = std::move(code),
                     .message = std::move(message),
                     .place = place,
                     .hint = std::move(hint)};
    const bool known = std::ranges::any_of(out_, [&](const Diagnostic& other) {
      return other.code == found.code && other.place == found.place;
    });
    if (!known && out_.size() < kMost) out_.push_back(std::move(found));
  }

  /// True when the file itself gives a variable whose name begins so.
  bool sets_variable(const Job& job, std::string_view prefix) const {
    const auto named = [&](const Variable& variable) { return variable.key.starts_with(prefix); };
    return std::ranges::any_of(job.variables, named) || std::ranges::any_of(definition_.variables, named);
  }

  static constexpr std::size_t kMost = 100;
  const Definition& definition_;
  std::vector<Reading> jobs_;
  std::set<std::string> untagged_;
  Diagnostics out_;
};

void Linter::check_image_tag(const Job& job) {
  if (!job.image) return;
  const std::string& name = job.image->name;
  const auto slash = name.rfind('/');
  const std::string_view last = std::string_view(name).substr(slash == std::string::npos ? 0 : slash + 1);
  if (contains(name, "$") || contains(last, ":") || contains(name, "@") || !untagged_.insert(name).second)
    return;
  warn("image-without-tag", job.place,
       fmt::format("Image {} has no tag, so it is {}:latest, whatever that is on the day", printable(name),
                   printable(name)),
       "Name the version that the job was tried with.");
}

void Linter::check_latest(const Reading& reading) {
  const auto tests_later = [&](const Reading& other) {
    return other.stage > reading.stage &&
           (contains(to_lower(other.job->name), "test") || contains(to_lower(other.job->stage), "test"));
  };
  const auto test = std::ranges::find_if(jobs_, tests_later);
  if (test == jobs_.end()) return;
  for (const Line& line : reading.lines)
    for (const Command& command : line.commands)
      if (is_docker(command, "push") && command.back().ends_with(":latest"))
        return warn("latest-before-test", line.place,
                    fmt::format("{} pushes {} before {} has tested it", printable(reading.job->name),
                                printable(command.back()), printable(test->job->name)),
                    "Push the commit's own tag here; move `latest` when the tests have passed.");
}

/// A registry of the job's own, inside its network, needs no login.
bool has_own_registry(const Job& job) {
  return std::ranges::any_of(job.services, [](const Service& service) {
    return std::ranges::any_of(service.command.value_or(std::vector<std::string>()),
                               [](const std::string& word) { return contains(word, "insecure-registry"); });
  });
}

void Linter::check_login(const Reading& reading) {
  if (mentions_any(reading,
                   {"login", "DOCKER_AUTH_CONFIG", "config.json", "credential", "/bin/", ".sh", "make "}) ||
      sets_variable(*reading.job, "CI_REGISTRY") || has_own_registry(*reading.job))
    return;
  for (const Line& line : reading.lines)
    for (const Command& command : line.commands)
      if (is_docker(command, "push") && command.back().starts_with("$CI_REGISTRY"))
        return warn("push-without-login", line.place,
                    fmt::format("{} pushes to a registry without a login", printable(reading.job->name)),
                    "Log in first: echo \"$CI_REGISTRY_PASSWORD\" | docker login -u \"$CI_REGISTRY_USER\" "
                    "--password-stdin \"$CI_REGISTRY\".");
}

/// The word after `<<` in a line, when it also ends that very line: the body was folded into it.
bool is_folded_heredoc(std::string_view text) {
  const auto start = text.find("<<");
  if (start == std::string_view::npos || contains(text, "\n") || text.substr(start).starts_with("<<<"))
    return false;
  std::string_view rest = text.substr(start + 2);
  if (rest.starts_with("-") || rest.starts_with("~")) rest.remove_prefix(1);
  rest = trim(rest);
  const auto end = rest.find_first_of(" \t");
  if (end == std::string_view::npos) return false;
  std::string_view word = rest.substr(0, end);
  while (!word.empty() && (word.front() == '\'' || word.front() == '"' || word.front() == '\\'))
    word.remove_prefix(1);
  while (!word.empty() && (word.back() == '\'' || word.back() == '"')) word.remove_suffix(1);
  const bool name = !word.empty() && std::ranges::all_of(word, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  });
  if (!name || (word.front() >= '0' && word.front() <= '9')) return false;
  for (const std::string& other : split(rest.substr(end + 1), ' '))
    if (other == word) return true;
  return false;
}

void Linter::check_heredoc(const Reading& reading) {
  for (const Line& line : reading.lines)
    if (is_folded_heredoc(line.text))
      return warn(
          "folded-heredoc", line.place,
          fmt::format("{} has a here-document in one line: YAML folded its lines, and the shell will not "
                      "find its end",
                      printable(reading.job->name)),
          "Begin the line with `- |` and indent the here-document below it.");
}

void Linter::check_image_of_other_job(const Reading& reading) {
  if (reading.gets_images) return;
  for (const Line& line : reading.lines)
    for (const Command& command : line.commands) {
      if (!is_docker(command, "run")) continue;
      for (const Reading& other : jobs_) {
        if (other.job == reading.job || other.stage > reading.stage || !other.pushed.empty()) continue;
        const auto image = std::ranges::find_if(
            command, [&](const std::string& word) { return other.built.contains(word); });
        if (image == command.end()) continue;
        return warn(
            "image-of-other-job", line.place,
            fmt::format("{} runs {}, which {} built and did not push", printable(reading.job->name),
                        printable(*image), printable(other.job->name)),
            "Each docker:dind job of GitLab starts with no images. Push it there and pull it here. (Within "
            "one Tidegate pipeline the image is there.)");
      }
    }
}

void Linter::check_key_file(const Reading& reading) {
  for (const Line& line : reading.lines)
    for (const Command& command : line.commands) {
      if (command[0] != "ssh" && command[0] != "scp") continue;
      const auto flag = std::ranges::find(command, "-i");
      if (flag == command.end() || flag + 1 == command.end()) continue;
      const std::string& path = *(flag + 1);
      if (contains(path, "$") || path.starts_with("~") || path.empty()) continue;
      const bool made_here = std::ranges::any_of(reading.lines, [&](const Line& other) {
        return contains(other.text, path) && std::ranges::any_of(other.commands, [&](const Command& one) {
                 return one[0] != "ssh" && one[0] != "scp" && one[0] != "chmod" &&
                        std::ranges::any_of(one,
                                            [&](const std::string& word) { return contains(word, path); });
               });
      });
      if (!made_here)
        return warn(
            "key-file-on-no-runner", line.place,
            fmt::format("{} reads the key {}, which is on no runner", printable(reading.job->name),
                        printable(path)),
            "Make it a file variable, ssh -i \"$DEPLOY_KEY\", or let `tidegate deploy` keep the key.");
    }
}

void Linter::check_pytest(const Reading& reading) {
  if (!reading.job->image) return;
  std::string_view name = reading.job->image->name;
  for (const std::string_view prefix : {"docker.io/", "library/"})
    if (name.starts_with(prefix)) name.remove_prefix(prefix.size());
  if (!name.starts_with("python:") && name != "python") return;
  if (mentions_any(reading, {"install", "sync", "venv", "activate", "uv ", "poetry", "pipenv", "conda", "tox",
                             "nox", "hatch", "pdm", "make ", ".sh", "source ", "export PATH"}))
    return;
  for (const Line& line : reading.lines)
    for (const Command& command : line.commands) {
      const bool module = command.size() > 2 && command[0].starts_with("python") && command[1] == "-m" &&
                          command[2] == "pytest";
      if (command[0] == "pytest" || module)
        return warn("pytest-not-there", line.place,
                    fmt::format("{} runs pytest, which the image {} does not have",
                                printable(reading.job->name), printable(reading.job->image->name)),
                    "Install it first, or run the job in the image that was built with it.");
    }
}

void Linter::check_upgrade_in_place(const Reading& reading) {
  for (const Line& line : reading.lines)
    for (const Command& command : line.commands) {
      if (command[0] != "ssh") continue;
      const std::string text = join(command, " ");
      if (contains(text, "pip install") && (contains(text, "--upgrade") || contains(text, " -U ")))
        return warn(
            "upgrade-in-place", line.place,
            fmt::format("{} upgrades packages under what is running on the host",
                        printable(reading.job->name)),
            "Build the new environment beside the old one and switch when it is healthy: `tidegate deploy`.");
    }
}

}  // namespace

Diagnostics lint(const Definition& definition) {
  return Linter(definition).run();
}

}  // namespace tidegate::config
