// A rough reading of shell text: enough to tell which commands a script line runs.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace tidegate::config {

/// One simple command: its words with the quotes taken off. Leading assignments, `sudo` and shell keywords
/// are dropped. Not an interpreter: expansions stay as they are written.
using Command = std::vector<std::string>;

/// The commands of a script line (or of several), cut at ; & | ( ) and line ends that are not quoted.
/// Comments are dropped.
std::vector<Command> shell_commands(std::string_view text);

}  // namespace tidegate::config
