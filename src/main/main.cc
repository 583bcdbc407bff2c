// `tidegate-full`: the whole command line. Subcommands and flags only; what they do is in the files beside
// this one. People call `tidegate` (quick.cc), which hands over to this.
#include <cstdlib>
#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/core.h>

#include "adapters/remote/https_files.h"
#include "main/command_line.h"
#include "main/local_commands.h"
#include "main/log_sink.h"
#include "main/serve.h"

namespace tidegate::main {
namespace {

std::string environment_or(const char* name, const char* otherwise) {
  const char* value = std::getenv(name);
  return value == nullptr ? otherwise : value;
}

void add_serve(CLI::App& app, Action& action) {
  auto file = std::make_shared<std::string>();
  auto verbose = std::make_shared<bool>(false);
  auto* serve_app = app.add_subcommand("serve", "API, intake, Git and one runner in one process");
  serve_app->footer("Examples:\n  tidegate serve\n  tidegate serve --config /etc/tidegate.yml");
  serve_app->add_option("--config", *file,
                        "The server's configuration (default: built-in defaults, data in ./tidegate-data)");
  serve_app->add_flag("-v,--verbose", *verbose, "Debug lines too");
  serve_app->callback([&action, file, verbose] {
    action = [=] {
      install_log_sink(*verbose);
      const auto config = read_server_config(*file);
      const Status done = config ? serve(*config) : Status(config.error());
      if (done) return kGood;
      fmt::print(stderr, "tidegate: {}\n", done.error().message);
      return exit_code_of(done.error().code);
    };
  });
}

int dispatch(int argc, char** argv) {
  CLI::App app("Tidegate lets new data in only through a tested gate.", "tidegate");
  app.set_version_flag("--version", kVersion);
  app.require_subcommand(1);
  app.footer(
      "`tidegate COMMAND --help` says more.\nExit codes: 0 good, 1 failed or refused, 2 wrong usage, 3 the "
      "environment lacks something.");
  Action action;
  Connection connection{environment_or("TIDEGATE_URL", "http://127.0.0.1:8080"),
                        environment_or("TIDEGATE_TOKEN", ""), environment_or("TIDEGATE_PROJECT", "")};
  remote::HttpsFiles files({.loopback = true});
  const RemoteFile remote = [&files](const std::string& url) { return files.read(url); };
  add_quick_commands(app, action, remote);
  add_run_command(app, action, remote);
  add_serve(app, action);
  add_server_commands(app, action, connection);
  add_lambda_command(app, action);
  add_completion_command(app, action);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kGood : kUsage;
  }
  return action();
}

}  // namespace
}  // namespace tidegate::main

int main(int argc, char** argv) {
  try {
    return tidegate::main::dispatch(argc, argv);
  } catch (const std::exception& error) {
    fmt::print(stderr, "tidegate: unexpected: {}\n", error.what());
    return tidegate::main::kFailed;
  }
}
