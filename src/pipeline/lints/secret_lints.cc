// Lints about secrets in logs and process lists, and about hosts that are trusted unseen.
#include <algorithm>
#include <array>

#include <fmt/core.h>

#include "base/text.h"
#include "pipeline/lints/finders.h"

namespace tidegate::pipeline::lints {
namespace {

bool is_name_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

bool sounds_secret(std::string_view name) {
  constexpr auto kWords = std::to_array<std::string_view>(
      {"TOKEN", "PASSWORD", "PASSWD", "SECRET", "PRIVATE_KEY", "API_KEY", "ACCESS_KEY", "CREDENTIALS"});
  constexpr auto kHarmless = std::to_array<std::string_view>(
      {"_FILE", "_PATH", "_URL", "_ID", "_NAME", "_USER", "_LENGTH", "_TYPE", "_DIR", "_HEADER"});
  const std::string upper = to_upper(name);
  return std::ranges::any_of(kWords, [&](std::string_view word) { return upper.contains(word); }) &&
         std::ranges::none_of(kHarmless, [&](std::string_view end) { return upper.ends_with(end); });
}

/// The first variable of the text whose whole value is put there and whose name sounds secret.
std::optional<std::string> secret_in(std::string_view text) {
  for (auto at = text.find('$'); at != std::string_view::npos; at = text.find('$', at + 1)) {
    std::size_t begin = at + 1;
    const bool braced = begin < text.size() && text[begin] == '{';
    if (braced) ++begin;
    std::size_t end = begin;
    while (end < text.size() && is_name_char(text[end])) ++end;
    // ${X:+set}, ${X:0:4} and ${#X} say something about it, and do not say it.
    if (braced && (end >= text.size() || text[end] != '}')) continue;
    if (end > begin && sounds_secret(text.substr(begin, end - begin)))
      return std::string(text.substr(begin, end - begin));
  }
  return std::nullopt;
}

/// The password that a login command gets as an argument.
std::optional<std::string> password_argument(const Command& command) {
  if (!command.has("login")) return std::nullopt;
  for (std::size_t i = 1; i < command.words.size(); ++i) {
    const std::string& word = command.words[i];
    if ((word == "-p" || word == "--password") && i + 1 < command.words.size())
      return secret_in(command.words[i + 1]);
    if (word.starts_with("-p$") || word.starts_with("--password=")) return secret_in(word);
  }
  return std::nullopt;
}

constexpr auto kLoginTools =
    std::to_array<std::string_view>({"docker", "podman", "buildah", "skopeo", "helm", "oras", "crane"});

}  // namespace

void find_secret_printed(Subject& subject, Warnings& out) {
  for (const Reading& reading : subject.jobs)
    for (const Line& line : reading.lines) {
      if (line.text.contains("$(") || line.text.contains("<(") || line.text.contains('`')) continue;
      for (const Command& command : line.commands) {
        if ((command.name() != "echo" && command.name() != "printf") || command.to_file ||
            command.after == Joint::kPipe || !command.heredoc.empty())
          continue;
        const auto secret = secret_in(join(command.words, " "));
        if (!secret) continue;
        out.add(*line.place, reading.job->name,
                fmt::format("{} prints ${} into its log", name_of(reading), printable(*secret)),
                "A masked variable is hidden only as long as its value stays in one piece, and a variable "
                "that is not masked not at all.");
      }
    }
}

void find_secret_in_arguments(Subject& subject, Warnings& out) {
  for (const Reading& reading : subject.jobs)
    for (const Line& line : reading.lines)
      for (const Command& command : line.commands) {
        if (std::ranges::find(kLoginTools, command.name()) == kLoginTools.end()) continue;
        const auto secret = password_argument(command);
        if (!secret) continue;
        out.add(
            *line.place, reading.job->name,
            fmt::format("{} gives {} the value of ${} as an argument, where every process of the host "
                        "can read it",
                        name_of(reading), command.name(), printable(*secret)),
            fmt::format("echo \"${}\" | {} login --password-stdin …", printable(*secret), command.name()));
      }
}

void find_environment_printed(Subject& subject, Warnings& out) {
  for (const Reading& reading : subject.jobs)
    for (const Line& line : reading.lines) {
      if (line.text.contains("$(")) continue;
      for (const Command& command : line.commands) {
        const bool all =
            (command.name() == "printenv" || command.name() == "env") && command.words.size() == 1;
        const bool exports = command.begins({"export", "-p"}) && command.words.size() == 2;
        if ((!all && !exports) || command.to_file || command.after == Joint::kPipe) continue;
        out.add(*line.place, reading.job->name,
                fmt::format("{} prints all of its variables, secrets among them", name_of(reading)),
                "Print those that you need, by name.");
      }
    }
}

void find_host_not_verified(Subject& subject, Warnings& out) {
  for (const Reading& reading : subject.jobs)
    for (const Line& line : reading.lines)
      for (const Command& command : line.commands) {
        std::string what;
        if (command.name() == "ssh" || command.name() == "scp" || command.name() == "rsync") {
          if (join(command.words, " ").contains("StrictHostKeyChecking=no"))
            what = "StrictHostKeyChecking=no";
        } else if (command.name() == "curl" && (command.has("-k") || command.has("--insecure"))) {
          what = "--insecure";
        } else if (command.name() == "wget" && command.has("--no-check-certificate")) {
          what = "--no-check-certificate";
        } else if (command.begins({"git", "config"}) && command.has("http.sslVerify") &&
                   command.has("false")) {
          what = "http.sslVerify false";
        }
        if (what.empty()) continue;
        out.add(*line.place, reading.job->name,
                fmt::format("{} does not look who it talks to: {}", name_of(reading), what),
                "Give it the host's key (ssh-keyscan, checked once, in a file variable) or the authority's "
                "certificate.");
      }
}

}  // namespace tidegate::pipeline::lints
