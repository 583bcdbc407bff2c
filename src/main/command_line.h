// The command line's subcommands and options: what they are called and which function they reach.
#pragma once

#include <functional>

#include "main/server_client.h"

namespace CLI {
class App;
}

namespace tidegate::main {

/// What the chosen subcommand does; its value is the exit code.
using Action = std::function<int()>;

/// lint, list, run, graph: about a directory.
void add_local_commands(CLI::App& app, Action& action);
/// What asks a server. `connection` must outlive the app.
void add_server_commands(CLI::App& app, Action& action, Connection& connection);
/// completion: a script for the shell, from the description of `app` with all its commands.
void add_completion_command(CLI::App& app, Action& action);

}  // namespace tidegate::main
