// Lints about what scripts do.
#include <algorithm>
#include <array>
#include <functional>
#include <optional>
#include <set>
#include <string_view>
#include <unordered_set>

#include <fmt/core.h>

#include "base/text.h"
#include "pipeline/lints/finders.h"

namespace tidegate::pipeline::lints {
namespace {

bool is_word_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/// True when a line holds the beginning of a here-document and, in the very same line, its end: YAML folded
/// the lines into one.
bool is_folded_heredoc(std::string_view text) {
  const auto start = text.find("<<");
  if (start == std::string_view::npos || text.contains('\n') || text.substr(start).starts_with("<<<"))
    return false;
  std::string_view rest = text.substr(start + 2);
  if (rest.starts_with("-") || rest.starts_with("~")) rest.remove_prefix(1);
  rest = trim(rest);
  const auto end = rest.find_first_of(" \t");
  if (end == std::string_view::npos) return false;
  std::string_view word = rest.substr(0, end);
  while (!word.empty() && std::string_view("'\"\\").contains(word.front())) word.remove_prefix(1);
  while (!word.empty() && (word.back() == '\'' || word.back() == '"')) word.remove_suffix(1);
  if (word.empty() || !std::ranges::all_of(word, is_word_char) ||
      (word.front() >= '0' && word.front() <= '9'))
    return false;
  const auto words = split(rest.substr(end + 1), ' ');
  return std::ranges::find(words, word) != words.end();
}

bool is_of_ssh(const Command& command) {
  return command.name() == "ssh" || command.name() == "scp" || command.name() == "chmod";
}

/// The paths in those lines of the job that do more than ssh, scp and chmod: what they may have made.
std::unordered_set<std::string_view> paths_made_in(const Reading& reading) {
  constexpr std::string_view kEnds = " \t\n\"'`=:;,|&<>(){}[]";
  std::unordered_set<std::string_view> paths;
  for (const Line& line : reading.lines) {
    if (std::ranges::all_of(line.commands, is_of_ssh)) continue;
    for (std::size_t at = 0; at < line.text.size();) {
      const std::size_t end = std::min(line.text.find_first_of(kEnds, at), line.text.size());
      if (end > at) paths.insert(line.text.substr(at, end - at));
      at = end + 1;
    }
  }
  return paths;
}

bool upgrades_with_pip(std::string_view text) {
  return text.contains("pip") && text.contains(" install") &&
         (text.contains("--upgrade") || text.contains(" -U "));
}

bool is_shell(std::string_view name) {
  constexpr auto kShells = std::to_array<std::string_view>(
      {"sh", "bash", "zsh", "dash", "/bin/sh", "/bin/bash", "python", "python3"});
  return std::ranges::find(kShells, name) != kShells.end();
}

/// Names given by `export NAME=…` and `NAME=…` in the text.
std::set<std::string, std::less<>> names_set_by(const Reading& reading) {
  std::set<std::string, std::less<>> names;
  for (const Line& line : reading.lines)
    for (const Command& command : line.commands)
      if (command.name() == "export")
        for (const std::string& word : command.words)
          if (const auto equals = word.find('='); equals != std::string::npos && equals > 0)
            names.insert(word.substr(0, equals));
  return names;
}

/// What stands before an equals sign.
std::set<std::string_view> names_assigned_in(std::string_view text) {
  std::set<std::string_view> names;
  for (auto end = text.find('='); end != std::string_view::npos; end = text.find('=', end + 1)) {
    std::size_t begin = end;
    while (begin > 0 && is_word_char(text[begin - 1])) --begin;
    if (begin < end) names.insert(text.substr(begin, end - begin));
  }
  return names;
}

/// The variables that the text reads; not those of which it says itself that they may be missing, ${NAME:-x}.
std::set<std::string_view> names_read_in(std::string_view text) {
  std::set<std::string_view> names;
  for (auto at = text.find('$'); at != std::string_view::npos; at = text.find('$', at + 1)) {
    std::size_t begin = at + 1;
    if (begin < text.size() && text[begin] == '{') ++begin;
    std::size_t end = begin;
    while (end < text.size() && is_word_char(text[end])) ++end;
    if (end > begin && (end >= text.size() || text[end] != ':'))
      names.insert(text.substr(begin, end - begin));
  }
  return names;
}

}  // namespace

void find_folded_heredoc(Subject& subject, Warnings& out) {
  for (const Reading& reading : subject.jobs)
    for (const Line& line : reading.lines)
      if (is_folded_heredoc(line.text))
        out.add(*line.place, reading.job->name,
                fmt::format("{} has a here-document in one line: YAML folded its lines, and the shell will "
                            "not find its end",
                            name_of(reading)),
                "Begin the line with `- |` and indent the here-document below it.");
}

void find_key_file_on_no_runner(Subject& subject, Warnings& out) {
  for (const Reading& reading : subject.jobs) {
    std::optional<std::unordered_set<std::string_view>> made;
    for (const Line& line : reading.lines)
      for (const Command& command : line.commands) {
        if (command.name() != "ssh" && command.name() != "scp") continue;
        const auto flag = std::ranges::find(command.words, "-i");
        if (flag == command.words.end() || flag + 1 == command.words.end()) continue;
        const std::string& path = *(flag + 1);
        if (path.empty() || path.contains('$') || path.starts_with('~')) continue;
        if (!made) made = paths_made_in(reading);
        if (made->contains(path)) continue;
        out.add(*line.place, reading.job->name,
                fmt::format("{} reads the key {}, which is on no runner", name_of(reading), printable(path)),
                "Make it a file variable, ssh -i \"$DEPLOY_KEY\", or let `tidegate deploy` keep the key.");
      }
  }
}

void find_upgrade_in_place(Subject& subject, Warnings& out) {
  for (const Reading& reading : subject.jobs)
    for (const Line& line : reading.lines)
      for (const Command& command : line.commands) {
        const bool remote = command.name() == "ssh" && (upgrades_with_pip(join(command.words, " ")) ||
                                                        upgrades_with_pip(command.heredoc));
        const bool local = !reading.job->image && command.name().starts_with("/") &&
                           command.name().ends_with("/bin/pip") &&
                           upgrades_with_pip(join(command.words, " ") + " ");
        if (remote || local)
          out.add(*line.place, reading.job->name,
                  fmt::format("{} upgrades packages under what is running on the host", name_of(reading)),
                  "Build the new environment beside the old one and switch when it is healthy: `tidegate "
                  "deploy`.");
      }
}

void find_download_into_shell(Subject& subject, Warnings& out) {
  for (const Reading& reading : subject.jobs)
    for (const Line& line : reading.lines)
      for (std::size_t i = 0; i + 1 < line.commands.size(); ++i) {
        const Command& command = line.commands[i];
        if (command.after != Joint::kPipe || (command.name() != "curl" && command.name() != "wget") ||
            !is_shell(line.commands[i + 1].name()) || line.commands[i + 1].has("-c") ||
            line.commands[i + 1].has("-m"))
          continue;
        out.add(
            *line.place, reading.job->name,
            fmt::format("{} runs what {} fetches without looking at it", name_of(reading), command.name()),
            "Fetch a fixed version into a file, compare its checksum, then run it; or put it into the "
            "image.");
      }
}

void find_apt_without_yes(Subject& subject, Warnings& out) {
  const auto says_yes = [](const std::string& word) {
    return word == "--yes" || word == "--assume-yes" || word == "--simulate" || word == "--download-only" ||
           word.starts_with("-qq") ||
           (word.starts_with("-") && !word.starts_with("--") && word.contains('y'));
  };
  for (const Reading& reading : subject.jobs) {
    if (reading.mentions("Assume-Yes")) continue;
    for (const Line& line : reading.lines)
      for (const Command& command : line.commands) {
        const bool apt = command.name() == "apt-get" || command.name() == "apt";
        if (!apt || !(command.has("install") || command.has("dist-upgrade") || command.has("upgrade")) ||
            std::ranges::any_of(command.words, says_yes) ||
            std::ranges::any_of(command.words, [](const std::string& word) { return word.contains('$'); }))
          continue;
        const std::size_t at = static_cast<std::size_t>(&command - line.commands.data());
        if (at > 0 && line.commands[at - 1].name() == "yes") continue;
        out.add(*line.place, reading.job->name,
                fmt::format("{} installs with {} and does not say yes: it asks, nobody answers, and it "
                            "aborts when more packages are needed",
                            name_of(reading), command.name()),
                "Add -y.");
      }
  }
}

void find_test_failure_ignored(Subject& subject, Warnings& out) {
  for (const Reading& reading : subject.jobs)
    for (const Line& line : reading.lines)
      for (std::size_t i = 0; i + 1 < line.commands.size(); ++i) {
        const Command& after = line.commands[i + 1];
        if (!is_test_runner(line.commands[i]) || line.commands[i].after != Joint::kOr ||
            (after.name() != "true" && after.name() != ":"))
          continue;
        out.add(*line.place, reading.job->name,
                fmt::format("{} is green whatever {} finds", name_of(reading), line.commands[i].name()),
                "Use `allow_failure: true`: the job is then shown as failed and blocks nothing.");
      }
}

void find_variable_lost_after_script(Subject& subject, Warnings& out) {
  for (const Reading& reading : subject.jobs) {
    if (reading.after.empty()) continue;
    const std::string after = join(reading.job->after_script, "\n");
    if (after.contains("source ") || after.contains(". ")) continue;
    const auto set = names_set_by(reading);
    if (set.empty()) continue;
    std::set<std::string_view> known = names_assigned_in(after);
    known.insert("PATH");
    for (const config::Variable& variable : reading.job->variables) known.insert(variable.key);
    for (const std::string_view name : names_read_in(after)) {
      if (!set.contains(name) || known.contains(name) || subject.variable(name)) continue;
      out.add(reading.job->place, reading.job->name,
              fmt::format("{} exports {} in its script and reads it in after_script, which is another shell",
                          name_of(reading), printable(name)),
              "Write it to a file, or set it in after_script too.");
      break;  // the place is the job's: one is told
    }
  }
}

}  // namespace tidegate::pipeline::lints
