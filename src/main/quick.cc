// `tidegate`: what people and editors ask many times an hour – lint, list, graph – answered by a program that
// loads no network, archive, Git or database library; everything else it hands to `tidegate-full` beside it.
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <malloc.h>
#include <string_view>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <fmt/core.h>

#include "main/command_line.h"
#include "main/local_commands.h"

namespace tidegate::main {
namespace {

// Becomes tidegate-full, with the same arguments. Returns only when that is not possible.
int hand_over(char** argv) {
  std::error_code failed;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", failed);
  const auto full = self.parent_path() / "tidegate-full";
  execv(full.c_str(), argv);
  fmt::print(stderr, "tidegate: {}: {}; it belongs beside tidegate: build or copy both\n", full.string(),
             std::strerror(errno));
  return kEnvironment;
}

// The answer is out: what it was made of is not taken apart piece by piece.
[[noreturn]] void leave(int code) {
  if (std::fflush(stdout) != 0) {
    fmt::print(stderr, "tidegate: stdout: {}\n", std::strerror(errno));
    code = kFailed;
  }
  std::_Exit(code);
}

bool is_quick(std::string_view command) {
  return command == "list" || command == "lint" || command == "graph" || command == "--version";
}

int answer(int argc, char** argv) {
  mallopt(M_TOP_PAD, 4 << 20);  // few steps to a large heap; pages cost nothing before they are used
  CLI::App app("Tidegate lets new data in only through a tested gate.", "tidegate");
  app.set_version_flag("--version", kVersion);
  app.require_subcommand(1);
  Action action;
  // Nothing has been printed when includes are read, so the whole program can begin anew.
  add_quick_commands(app, action,
                     [argv](const std::string&) -> Result<std::string> { std::exit(hand_over(argv)); });
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kGood : kUsage;
  }
  leave(action());
}

}  // namespace
}  // namespace tidegate::main

int main(int argc, char** argv) {
  using namespace tidegate::main;
  if (argc < 2 || !is_quick(argv[1])) return hand_over(argv);
  try {
    return answer(argc, argv);
  } catch (const std::exception& error) {
    fmt::print(stderr, "tidegate: unexpected: {}\n", error.what());
    return kFailed;
  }
}
