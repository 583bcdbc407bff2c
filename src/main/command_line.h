// The command line's subcommands and options: what they are called and which function they reach.
#pragma once

#include <functional>

#include "main/local_context.h"
#include "main/server_client.h"

namespace CLI {
class App;
}

namespace tidegate::main {

/// What the chosen subcommand does; its value is the exit code.
using Action = std::function<int()>;

/// `--version`.
inline constexpr const char* kVersion = "tidegate 0.1.0";

/// lint, list, graph: about a directory. `remote` reads include:remote.
void add_quick_commands(CLI::App& app, Action& action, const RemoteFile& remote);
/// run: the same directory, with executors.
void add_run_command(CLI::App& app, Action& action, const RemoteFile& remote);
/// The options that list, graph and run share.
void add_context(CLI::App& app, LocalOptions& options);
/// What asks a server. `connection` must outlive the app.
void add_server_commands(CLI::App& app, Action& action, Connection& connection);
/// lambda: packages a function for AWS Lambda.
void add_lambda_command(CLI::App& app, Action& action);
/// completion: a script for the shell, from the description of `app` with all its commands.
void add_completion_command(CLI::App& app, Action& action);

}  // namespace tidegate::main
