// `tidegate`: the command line. Subcommands and flags only; what they do is in the files beside this one.
#include <cstdlib>
#include <functional>

#include <CLI/CLI.hpp>
#include <fmt/core.h>

#include "base/log.h"
#include "main/local_commands.h"
#include "main/log_sink.h"
#include "main/run_command.h"
#include "main/serve.h"
#include "main/server_client.h"

namespace tidegate::main {
namespace {

constexpr const char* kVersion = "tidegate 0.1.0";

std::string environment_or(const char* name, const char* otherwise) {
  const char* value = std::getenv(name);
  return value == nullptr ? otherwise : value;
}

// What the chosen subcommand does; its value is the exit code.
using Action = std::function<int()>;

void add_context(CLI::App& app, LocalOptions& o) {
  app.add_option("-C,--directory", o.directory, "The project's folder")->default_str(".");
  app.add_option("--file", o.file, "The configuration in it")->default_str(o.file);
  app.add_option("--ref", o.ref, "Branch or tag that the pipeline is for (default: Git's)");
  app.add_flag("--tag", o.tag, "The ref is a tag");
  app.add_option("--default-branch", o.default_branch, "CI_DEFAULT_BRANCH (default: Git's, else main)");
  app.add_option("--source", o.source, "CI_PIPELINE_SOURCE: push, web, api, trigger, schedule, …")
      ->default_str(o.source);
  app.add_option_function<std::vector<std::string>>(
         "--var",
         [&o](const std::vector<std::string>& pairs) {
           for (const std::string& pair : pairs) {
             const std::size_t equals = pair.find('=');
             if (equals == 0 || equals == std::string::npos)
               throw CLI::ValidationError("--var", "expected KEY=VALUE, not " + pair);
             o.variables.emplace_back(pair.substr(0, equals), pair.substr(equals + 1));
           }
         },
         "A pipeline variable KEY=VALUE; repeatable")
      ->allow_extra_args(false);
  auto* changed = app.add_option("--changed", o.changed,
                                 "A changed path, for rules:changes; repeatable (default: from Git)");
  changed->allow_extra_args(false);
  app.add_flag("--changed-unknown", o.changed_unknown,
               "There is nothing to compare with: rules:changes is true")
      ->excludes(changed);
}

void add_local(CLI::App& app, Action& action) {
  auto lint_options = std::make_shared<LintOptions>();
  auto* lint_app = app.add_subcommand("lint", "Is the pipeline file right, and what does it expand to");
  lint_app->footer("Examples:\n  tidegate lint\n  tidegate lint --merged ci/pipeline.yml");
  lint_app->add_option("FILE", lint_options->local.file, "The configuration (default: .gitlab-ci.yml)");
  lint_app->add_option("-C,--directory", lint_options->local.directory, "The project's folder");
  lint_app->add_flag("--merged", lint_options->merged,
                     "Print the configuration after include, extends and !reference");
  lint_app->add_flag("--json", lint_options->json, "For programs: JSON on stdout");
  lint_app->callback([&action, lint_options] { action = [lint_options] { return lint(*lint_options); }; });

  auto list_options = std::make_shared<LocalOptions>();
  auto list_json = std::make_shared<bool>(false);
  auto* list_app = app.add_subcommand("list", "The jobs that would be created, and why the others would not");
  list_app->footer("Examples:\n  tidegate list\n  tidegate list --ref dev --changed src/a.cc --json");
  add_context(*list_app, *list_options);
  list_app->add_flag("--json", *list_json, "For programs: JSON on stdout");
  list_app->callback(
      [&action, list_options, list_json] { action = [=] { return list(*list_options, *list_json); }; });

  auto run_options = std::make_shared<RunOptions>();
  auto* run_app = app.add_subcommand("run", "Run the pipeline of this directory, here and now");
  run_app->footer(
      "Examples:\n  tidegate run\n  tidegate run test --executor shell\n  tidegate run --var DEBUG=1 --json");
  auto* jobs = run_app->add_option("JOB", run_options->choice.jobs,
                                   "Only these jobs (default: the whole pipeline); manual ones are started");
  run_app->add_flag("--needs", run_options->choice.with_needs, "Run the named jobs with what they need")
      ->needs(jobs);
  run_app->add_option("--manual", run_options->choice.manual, "Start this manual job too; repeatable")
      ->type_name("JOB")
      ->allow_extra_args(false);
  add_context(*run_app, run_options->local);
  run_app
      ->add_option("--executor", run_options->executor,
                   "docker, shell, or auto: docker for jobs with an image when an engine answers")
      ->check(CLI::IsMember({"auto", "docker", "shell"}))
      ->default_str("auto");
  run_app->add_option("--docker-socket", run_options->docker_socket,
                      "The engine's socket (default: DOCKER_HOST, else /var/run/docker.sock)");
  run_app
      ->add_option(
          "--data", run_options->data,
          "SOURCE=FILE: a dataset object, shown to jobs read-only at $TIDEGATE_DATA_<SOURCE>; repeatable")
      ->allow_extra_args(false);
  run_app->add_option("--concurrency", run_options->concurrency,
                      "Jobs at once (default: the number of cores)");
  run_app->add_flag("--json", run_options->json, "The result as JSON on stdout; progress goes to stderr");
  run_app->callback([&action, run_options] { action = [run_options] { return run(*run_options); }; });
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

void add_connection(CLI::App& app, Connection& c) {
  app.add_option("--server", c.url, "The server's address (TIDEGATE_URL)")->default_str(c.url);
  app.add_option("--token", c.token, "A project or admin token (TIDEGATE_TOKEN)")->default_str("");
  app.add_option("-p,--project", c.project, "GROUP/NAME (TIDEGATE_PROJECT)")->default_str(c.project);
  app.add_flag("--json", c.json, "What the server answered, as JSON on stdout");
}

// A subcommand of up to two texts that asks the server.
template <class Ask>
CLI::App* add_question(CLI::App& app, Action& action, Connection& c, const char* name, const char* help,
                       const char* argument, bool required, Ask ask) {
  auto* sub = app.add_subcommand(name, help);
  auto text = std::make_shared<std::string>();
  if (argument != nullptr) sub->add_option(argument, *text)->required(required);
  add_connection(*sub, c);
  sub->callback([&action, &c, text, ask] { action = [&c, text, ask] { return ask(c, *text); }; });
  return sub;
}

void add_data(CLI::App& app, Action& action, Connection& c) {
  auto* data = app.add_subcommand("data", "Data sources, dataset versions, and what became of them");
  data->require_subcommand(1);
  add_question(*data, action, c, "list", "Sources and their versions, newest first", "SOURCE", false,
               data_list);
  add_question(*data, action, c, "show", "One version: object, commit, jobs, the log line that failed",
               "SOURCE/NUMBER", true, data_show)
      ->footer("Example:\n  tidegate data show training/7");
  add_question(*data, action, c, "events", "What was announced, and what was decided about it", "SOURCE",
               false, data_events);
}

void add_delivery(CLI::App& app, Action& action, Connection& c) {
  add_question(app, action, c, "releases", "Releases on a target (asks the host), or the history of all",
               "TARGET", false, releases);
  auto* back = app.add_subcommand("rollback", "Flip a target's releases, or a graph, back: no rebuild");
  back->footer(
      "Examples:\n  tidegate rollback training\n  tidegate rollback training --to "
      "20261122T101502Z-1a2b3c4d5e6f-0123456789ab");
  auto target = std::make_shared<std::string>();
  auto to = std::make_shared<std::string>();
  back->add_option("TARGET", *target, "Target or graph in tidegate.yml")->required();
  back->add_option("--to", *to, "Release (default: the one before)");
  add_connection(*back, c);
  back->callback(
      [&action, &c, target, to] { action = [&c, target, to] { return rollback(c, *target, *to); }; });
  add_question(app, action, c, "lineage",
               "Object, commit, pipeline, image, release, training run: from any of them to all", "WHAT",
               true, lineage)
      ->footer(
          "Examples:\n  tidegate lineage training/7\n  tidegate lineage 1a2b3c4d\n  tidegate lineage '#12'\n "
          " tidegate lineage sha256:0123…");
  const auto in_job = [](const char* name) {
    return [name](Connection&, const std::string&) {
      fmt::print(
          stderr,
          "tidegate: `tidegate {}` is for scripts of jobs: there it asks the server, which holds the keys\n",
          name);
      return kUsage;
    };
  };
  add_question(app, action, c, "deploy", "In a job: release this commit's image onto a target", "TARGET",
               true, in_job("deploy"));
  add_question(app, action, c, "load", "In a job: load this commit's data into a graph", "GRAPH", true,
               in_job("load"));
}

void add_project_commands(CLI::App& app, Action& action, Connection& c) {
  auto* project = app.add_subcommand("project", "Projects");
  project->require_subcommand(1);
  add_question(*project, action, c, "list", "All projects that the token may see", nullptr, false,
               [](Connection& k, const std::string&) { return project_list(k); });
  add_question(*project, action, c, "create", "A new project (admin token)", "GROUP/NAME", true,
               [](Connection& k, const std::string& path) { return project_create(k, path, "main"); });
  add_question(app, action, c, "pipelines", "Pipelines, newest first", nullptr, false,
               [](Connection& k, const std::string&) { return pipelines(k); });

  auto* token = app.add_subcommand("token", "Tokens of a project");
  token->require_subcommand(1);
  auto* create = token->add_subcommand("create", "A new token; it is printed once");
  auto kind = std::make_shared<std::string>("project");
  auto name = std::make_shared<std::string>();
  create
      ->add_option("--kind", *kind, "project: API and Git; trigger: start pipelines; hook: announce objects")
      ->check(CLI::IsMember({"project", "trigger", "hook"}))
      ->default_str("project");
  create->add_option("--name", *name, "What it is for");
  add_connection(*create, c);
  create->callback(
      [&action, &c, kind, name] { action = [&c, kind, name] { return token_create(c, *kind, *name); }; });

  auto* variable = app.add_subcommand("variable", "CI/CD variables of a project");
  variable->require_subcommand(1);
  add_question(*variable, action, c, "list", "Names and kinds; values are not shown", nullptr, false,
               [](Connection& k, const std::string&) { return variable_list(k); });
  auto* set = variable->add_subcommand("set", "Set KEY to VALUE");
  auto key = std::make_shared<std::string>();
  auto value = std::make_shared<std::string>();
  auto masked = std::make_shared<bool>(false);
  auto is_protected = std::make_shared<bool>(false);
  set->add_option("KEY", *key)->required();
  set->add_option("VALUE", *value)->required();
  set->add_flag("--masked", *masked, "Hidden in job logs");
  set->add_flag("--protected", *is_protected, "Only for the default branch, never for data candidates");
  add_connection(*set, c);
  set->callback([=, &action, &c] {
    action = [=, &c] { return variable_set(c, *key, *value, *masked, *is_protected); };
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
  add_local(app, action);
  add_serve(app, action);
  add_data(app, action, connection);
  add_delivery(app, action, connection);
  add_project_commands(app, action, connection);
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
