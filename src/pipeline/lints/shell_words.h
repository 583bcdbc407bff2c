// A rough reading of shell text: enough to tell which commands a script line runs.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace tidegate::pipeline::lints {

/// What stands between two commands.
enum class Joint : std::uint8_t { kEnd, kPipe, kAnd, kOr };

/// One simple command: its words with the quotes taken off. Leading assignments, `sudo` and shell keywords
/// are dropped. Not an interpreter: expansions stay as they are written.
struct Command {
  std::vector<std::string> words;  ///< at least one
  Joint after = Joint::kEnd;       ///< what joins it to the next one
  bool to_file = false;            ///< its output goes to a file
  std::string heredoc;             ///< the text of its here-document

  const std::string& name() const { return words[0]; }
  bool has(std::string_view word) const;
  /// True when the first words are these.
  bool begins(std::initializer_list<std::string_view> first) const;
};

/// The commands of a script line (or of several), cut at ; & | ( ) and line ends that are not quoted.
/// Comments are dropped.
std::vector<Command> shell_commands(std::string_view text);

}  // namespace tidegate::pipeline::lints
