// What the lints look at: a definition with its scripts taken apart, and the tree that it stands in.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "config/definition.h"
#include "config/load.h"
#include "pipeline/lints/shell_words.h"
#include "pipeline/lints/worlds.h"

namespace tidegate::pipeline::lints {

/// One line of a script (a YAML item, so it may hold several lines of shell).
struct Line {
  std::string_view text;
  const config::Place* place = nullptr;
  std::span<const Command> commands;
};

/// A job with its lines taken apart: before_script and script, which share one shell.
struct Reading {
  const config::Job* job = nullptr;
  std::size_t stage = 0;  ///< index into the definition's stages
  std::vector<Line> lines;
  std::vector<Line> after;  ///< of after_script
  Reach reach;
  Reach stray;  ///< of a push that no rule is meant for

  bool mentions(std::string_view part) const;
  bool mentions_any(std::initializer_list<std::string_view> parts) const;
};

/// Views: definition, origins and sources must outlive it.
struct Subject {
  const config::Definition& definition;
  const config::Origins& origins;
  const config::Sources& sources;
  Conditions conditions;
  Worlds worlds;
  Worlds stray;
  std::vector<Reading> jobs;
  std::map<std::string, std::size_t> by_name;  ///< job's name → index into jobs

  Subject(const config::Definition& definition, const config::Origins& origins,
          const config::Sources& sources);

  const Reading* find(const std::string& name) const;
  /// The value of a variable of the job or of the file; nothing when neither writes it.
  std::optional<std::string> variable(const config::Job& job, std::string_view name) const;
  /// The value of a variable of the file.
  std::optional<std::string> variable(std::string_view name) const;
  /// True when either writes a variable whose name begins so.
  bool sets_variable(const config::Job& job, std::string_view prefix) const;
  /// A text of the tree; nothing when there is none.
  std::optional<std::string> read(const std::string& path) const;

 private:
  Reading read_lines(const config::Job& job);
  std::span<const Command> commands_of(std::string_view line);

  // Thousands of jobs may have the same lines by `extends`; each text is taken apart once.
  std::unordered_map<std::string_view, std::vector<Command>> commands_;
  std::map<std::string_view, std::string_view> variables_;  // of the file
  std::unordered_map<std::string_view, std::size_t> stages_;
};

/// `docker <verb>`, also podman's, `docker image …`, `docker buildx …`.
bool is_docker(const Command& command, std::string_view verb);
/// A registry that is a service of the job: it needs no login, and goes when the job ends.
bool has_own_registry(const config::Job& job);
/// A command that runs tests: pytest, ctest, `cargo test`, …
bool is_test_runner(const Command& command);
/// It is one that changes an environment, not one that stops or looks at it.
bool deploys(const config::Job& job);
/// The job's name for messages.
std::string name_of(const Reading& reading);

}  // namespace tidegate::pipeline::lints
