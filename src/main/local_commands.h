// `tidegate lint` and `tidegate list`: answers about a directory, without a server.
#pragma once

#include "main/local_context.h"

namespace tidegate::main {

/// Exit codes of the command line's contract.
inline constexpr int kGood = 0;
inline constexpr int kFailed = 1;
inline constexpr int kUsage = 2;
inline constexpr int kEnvironment = 3;
int exit_code_of(Errc code);
/// Says the error on stderr; its exit code.
int refuse(const Error& error);

/// What an answer was made of. Whoever asks owns it: a program that ends with the answer need not take it
/// apart.
struct Workings {
  LocalProject project;
  pipeline::Plan plan;
};

struct LintOptions {
  LocalOptions local;
  bool merged = false;
  bool json = false;
  std::vector<std::string> disabled;  ///< codes of warnings
};
/// Is it right, and what does it expand to.
int lint(const LintOptions& options, Workings& workings);

struct ListOptions {
  LocalOptions local;
  bool json = false;
  bool names = false;  ///< of created jobs only
};
/// The jobs that would be created, and why the others would not.
int list(const ListOptions& options, Workings& workings);

struct GraphOptions {
  LocalOptions local;
  std::string format = "text";  ///< text, mermaid, dot
};
/// Draws the created jobs and their needs.
int graph(const GraphOptions& options, Workings& workings);

/// People's form of findings, on stderr: place, message, the line with a caret, hint.
void print_diagnostics(const config::Diagnostics& diagnostics, const std::filesystem::path& directory);

}  // namespace tidegate::main
