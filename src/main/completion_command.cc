// `tidegate completion`: the description comes from the command line itself, so the scripts know what it
// knows.
#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/core.h>

#include "base/text.h"
#include "main/command_line.h"
#include "main/completion.h"
#include "main/local_commands.h"

namespace tidegate::main {
namespace {

// CLI11 writes a choice as "WORD:{auto,docker,shell}".
CompletionValue value_of(const CLI::Option& option) {
  CompletionValue value;
  const std::string type = option.get_type_name();
  const std::size_t brace = type.find('{');
  value.name = option.get_positional() ? option.get_name(true) : type.substr(0, type.find(':'));
  if (brace != std::string::npos && type.ends_with('}'))
    value.words = split(type.substr(brace + 1, type.size() - brace - 2), ',');
  return value;
}

CompletionCommand describe(const CLI::App& app) {
  CompletionCommand command;
  command.name = app.get_name();
  command.help = app.get_description();
  for (const CLI::Option* option : app.get_options()) {
    if (option->get_positional()) {
      command.arguments.push_back(value_of(*option));
      continue;
    }
    CompletionOption described;
    for (const std::string& name : option->get_snames()) described.names.push_back("-" + name);
    for (const std::string& name : option->get_lnames()) described.names.push_back("--" + name);
    described.help = option->get_description();
    if (option->get_expected_max() > 0) described.value = value_of(*option);
    command.options.push_back(std::move(described));
  }
  for (const CLI::App* below : app.get_subcommands([](const CLI::App*) { return true; }))
    command.commands.push_back(describe(*below));
  return command;
}

}  // namespace

void add_completion_command(CLI::App& app, Action& action) {
  auto shell = std::make_shared<std::string>();
  auto* completion = app.add_subcommand("completion", "A completion script for your shell, on stdout");
  completion->footer(
      "Examples:\n"
      "  tidegate completion bash > ~/.local/share/bash-completion/completions/tidegate\n"
      "  tidegate completion zsh > \"${fpath[1]}/_tidegate\"\n"
      "Job names are asked of `tidegate list --names` when Tab is pressed.");
  completion->add_option("SHELL", *shell, "bash or zsh")->required()->check(CLI::IsMember({"bash", "zsh"}));
  completion->callback([&app, &action, shell] {
    action = [&app, shell] {
      const CompletionCommand program = describe(app);
      fmt::print("{}", *shell == "zsh" ? zsh_completion(program) : bash_completion(program));
      return kGood;
    };
  });
}

}  // namespace tidegate::main
