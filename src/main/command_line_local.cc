#include <memory>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "main/command_line.h"
#include "main/local_commands.h"
#include "main/run_command.h"

namespace tidegate::main {
namespace {

void add_variables(CLI::App& app, LocalOptions& o) {
  app.add_option("--var", o.variables,
                 "A pipeline variable KEY=VALUE; KEY alone: its value in the environment; repeatable")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
  app.add_option("--env-file", o.env_files, "A file of KEY=VALUE lines, taken as they are; repeatable")
      ->type_name("FILE")
      ->allow_extra_args(false);
  app.add_option("--var-file", o.file_variables,
                 "KEY=FILE: a variable of type file, jobs get the path of a copy; repeatable")
      ->type_name("KEY=FILE")
      ->allow_extra_args(false);
  app.add_option("--mask", o.masked, "Hide the value of this variable in the jobs' output; repeatable")
      ->type_name("KEY")
      ->allow_extra_args(false);
}

void add_includes(CLI::App& app, LocalOptions& o) {
  app.add_option("--input", o.inputs, "A value for an input of the configuration's spec; repeatable")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
  app.add_option("--project-dir", o.project_dirs,
                 "The folder of a project that include:project or include:component names; repeatable")
      ->type_name("GROUP/NAME=DIR")
      ->allow_extra_args(false);
  app.add_option("--templates", o.templates, "The folder of include:template")->type_name("DIR");
}

void add_context(CLI::App& app, LocalOptions& o) {
  app.add_option("-C,--directory", o.directory, "The project's folder")->type_name("DIR")->default_str(".");
  app.add_option("--file", o.file, "The configuration in it")->type_name("FILE")->default_str(o.file);
  app.add_option("--ref", o.ref, "Branch or tag that the pipeline is for (default: Git's)")->type_name("REF");
  app.add_flag("--tag", o.tag, "The ref is a tag");
  app.add_option("--default-branch", o.default_branch, "CI_DEFAULT_BRANCH (default: Git's, else main)")
      ->type_name("NAME");
  app.add_option("--source", o.source, "CI_PIPELINE_SOURCE: push, web, api, trigger, schedule, …")
      ->type_name("WORD")
      ->default_str(o.source);
  add_variables(app, o);
  add_includes(app, o);
  auto* changed = app.add_option("--changed", o.changed,
                                 "A changed path, for rules:changes; repeatable (default: from Git)");
  changed->type_name("PATH")->allow_extra_args(false);
  app.add_flag("--changed-unknown", o.changed_unknown,
               "There is nothing to compare with: rules:changes is true")
      ->excludes(changed);
}

void add_lint(CLI::App& app, Action& action) {
  auto options = std::make_shared<LintOptions>();
  auto* lint_app = app.add_subcommand("lint", "Is the pipeline file right, and what does it expand to");
  lint_app->footer("Examples:\n  tidegate lint\n  tidegate lint --merged ci/pipeline.yml");
  lint_app->add_option("FILE", options->local.file, "The configuration (default: .gitlab-ci.yml)");
  lint_app->add_option("-C,--directory", options->local.directory, "The project's folder")->type_name("DIR");
  add_includes(*lint_app, options->local);
  lint_app->add_flag("--merged", options->merged,
                     "Print the configuration after include, extends and !reference");
  lint_app
      ->add_option("--disable", options->disabled, "Leave out warnings of these codes (repeatable, commas)")
      ->type_name("CODE")
      ->delimiter(',')
      ->allow_extra_args(false);
  lint_app->add_flag("--json", options->json, "For programs: JSON on stdout");
  lint_app->callback([&action, options] { action = [options] { return lint(*options); }; });
}

void add_list(CLI::App& app, Action& action) {
  auto options = std::make_shared<ListOptions>();
  auto* list_app = app.add_subcommand("list", "The jobs that would be created, and why the others would not");
  list_app->footer(
      "Examples:\n  tidegate list\n  tidegate list --ref dev --changed src/a.cc --json\n  tidegate list "
      "--names");
  add_context(*list_app, options->local);
  auto* as_json = list_app->add_flag("--json", options->json, "For programs: JSON on stdout");
  list_app
      ->add_flag("--names", options->names, "Only the names of the jobs that would be created, one a line")
      ->excludes(as_json);
  list_app->callback([&action, options] { action = [options] { return list(*options); }; });
}

void add_graph(CLI::App& app, Action& action) {
  auto options = std::make_shared<GraphOptions>();
  auto* graph_app = app.add_subcommand("graph", "Draw the jobs that would be created and what they need");
  graph_app->footer(
      "Examples:\n  tidegate graph\n  tidegate graph --format mermaid > pipeline.mmd\n"
      "  tidegate graph --format dot | dot -Tsvg > pipeline.svg");
  graph_app
      ->add_option("--format", options->format,
                   "text: for a terminal; mermaid: for Markdown; dot: for Graphviz")
      ->type_name("WORD")
      ->check(CLI::IsMember({"text", "mermaid", "dot"}))
      ->default_str(options->format);
  add_context(*graph_app, options->local);
  graph_app->callback([&action, options] { action = [options] { return graph(*options); }; });
}

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

void add_run(CLI::App& app, Action& action) {
  auto options = std::make_shared<RunOptions>();
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

}  // namespace

void add_local_commands(CLI::App& app, Action& action) {
  add_lint(app, action);
  add_list(app, action);
  add_graph(app, action);
  add_run(app, action);
}

}  // namespace tidegate::main
