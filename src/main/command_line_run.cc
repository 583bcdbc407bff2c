#include <memory>

#include <CLI/CLI.hpp>

#include "main/command_line.h"
#include "main/run_command.h"

namespace tidegate::main {
namespace {

void add_run_execution(CLI::App& app, RunOptions& o) {
  auto* executor =
      app.add_option("--executor", o.executor,
                     "docker, shell, or auto: docker for jobs with an image when an engine answers");
  executor->type_name("WORD")->check(CLI::IsMember({"auto", "docker", "shell"}))->default_str("auto");
  app.add_flag_callback(
         "--shell", [&o] { o.executor = "shell"; },
         "All jobs on this machine, without containers: --executor shell")
      ->excludes(executor);
  app.add_option("--docker-socket", o.docker_socket,
                 "The engine's socket (default: DOCKER_HOST, else /var/run/docker.sock)")
      ->type_name("PATH");
  app.add_option(
         "--data", o.data,
         "SOURCE=FILE: a dataset object, shown to jobs read-only at $TIDEGATE_DATA_<SOURCE>; repeatable")
      ->type_name("SOURCE=FILE")
      ->allow_extra_args(false);
  app.add_option("-j,--jobs,--concurrency", o.parallel, "Jobs at once (default: the number of cores)")
      ->type_name("N")
      ->check(CLI::Range(1U, 1000U));
}

}  // namespace

void add_run_command(CLI::App& app, Action& action, const RemoteFile& remote) {
  auto options = std::make_shared<RunOptions>();
  options->local.remote = remote;
  auto* run_app = app.add_subcommand("run", "Run the pipeline of this directory, here and now");
  run_app->footer(
      "Examples:\n"
      "  tidegate run                              the whole pipeline\n"
      "  tidegate run test                         only the job test\n"
      "  tidegate run test --needs                 test, and what it needs before it\n"
      "  tidegate run --manual deploy              the pipeline, and the manual job deploy\n"
      "  tidegate run --env-file .env --mask TOKEN with secrets from a file\n"
      "  tidegate run --shell -j 4                 on this machine, without containers\n"
      "  tidegate run --dry-run                    only say what would run\n"
      "Ctrl-C cancels: after_script still runs. Ctrl-C again ends everything at once.");
  auto* jobs = run_app->add_option("JOB", options->choice.jobs,
                                   "Only these jobs (default: the whole pipeline); manual ones are started");
  run_app->add_flag("--needs", options->choice.with_needs, "Run the named jobs with what they need")
      ->needs(jobs);
  run_app->add_option("--manual", options->choice.manual, "Start this manual job too; repeatable")
      ->type_name("JOB")
      ->allow_extra_args(false);
  add_context(*run_app, options->local);
  add_run_execution(*run_app, *options);
  run_app
      ->add_option("--view", options->view,
                   "live: a picture that is redrawn; plain: all lines as they come; auto: live on a terminal")
      ->type_name("WORD")
      ->check(CLI::IsMember({"auto", "live", "plain"}))
      ->default_str("auto");
  auto* as_json =
      run_app->add_flag("--json", options->json, "The result as JSON on stdout; progress goes to stderr");
  run_app->add_flag("--dry-run", options->dry_run, "Say which jobs would run, where, and what; run nothing")
      ->excludes(as_json);
  run_app->callback([&action, options] { action = [options] { return run(*options); }; });
}

}  // namespace tidegate::main
