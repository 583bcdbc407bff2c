// Completion scripts for shells, made from a description of the command line.
#pragma once

#include <string>
#include <vector>

namespace tidegate::main {

/// What a value is, for the shell to offer.
struct CompletionValue {
  std::string name;                ///< as in the help: DIR, KEY=VALUE; empty: there is no value (a flag)
  std::vector<std::string> words;  ///< all there are; empty: not a choice
};
struct CompletionOption {
  std::vector<std::string> names;  ///< "-C", "--directory"
  std::string help;
  CompletionValue value;
};
/// A command with its subcommands. Values named JOB are offered from `tidegate list --names`, asked when Tab
/// is pressed, for the directory, file and ref that stand on the line; FILE and PATH are files, DIR folders.
struct CompletionCommand {
  std::string name;
  std::string help;
  std::vector<CompletionOption> options;
  std::vector<CompletionValue> arguments;
  std::vector<CompletionCommand> commands;
};

/// For ~/.local/share/bash-completion/completions/tidegate. Needs bash 4.3, not the bash-completion package.
std::string bash_completion(const CompletionCommand& program);
/// For a folder of $fpath, as _tidegate.
std::string zsh_completion(const CompletionCommand& program);

}  // namespace tidegate::main
