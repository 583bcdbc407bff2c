#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/core.h>

#include "main/command_line.h"
#include "main/local_commands.h"

namespace tidegate::main {
namespace {

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
  add_question(*data, action, c, "replay",
               "Send the object of a version through the gate again, as a new version", "SOURCE/NUMBER", true,
               data_replay)
      ->footer("Example:\n  tidegate data replay training/7    after its tests were mended");
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
  auto* quarantine =
      app.add_subcommand("quarantine", "Image digests that are not released again, because one failed");
  quarantine->require_subcommand(1);
  add_question(*quarantine, action, c, "list", "Quarantined digests, and why", nullptr, false,
               [](Connection& k, const std::string&) { return quarantine_list(k); });
  add_question(*quarantine, action, c, "lift", "Let this digest be released again", "DIGEST", true,
               quarantine_lift)
      ->footer("Example:\n  tidegate quarantine lift sha256:0123…");
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

void add_pipelines(CLI::App& app, Action& action, Connection& c) {
  auto filter = std::make_shared<Form>(Form{{"ref", ""}, {"sha", ""}, {"status", ""}, {"source", ""}});
  auto* sub = app.add_subcommand("pipelines", "Pipelines, newest first");
  sub->footer("Examples:\n  tidegate pipelines\n  tidegate pipelines --ref main --status failed");
  for (auto& [key, value] : *filter)
    sub->add_option("--" + key, value, "Only those with this " + key)->type_name("WORD");
  add_connection(*sub, c);
  sub->callback([&action, &c, filter] { action = [&c, filter] { return pipelines(c, *filter); }; });
}

void add_project_commands(CLI::App& app, Action& action, Connection& c) {
  auto* project = app.add_subcommand("project", "Projects");
  project->require_subcommand(1);
  add_question(*project, action, c, "list", "All projects that the token may see", nullptr, false,
               [](Connection& k, const std::string&) { return project_list(k); });
  add_question(*project, action, c, "create", "A new project (admin token)", "GROUP/NAME", true,
               [](Connection& k, const std::string& path) { return project_create(k, path, "main"); });
  add_pipelines(app, action, c);

  auto* token = app.add_subcommand("token", "Tokens of a project");
  token->require_subcommand(1);
  add_question(*token, action, c, "list", "Numbers, kinds and names; tokens themselves are not kept", nullptr,
               false, [](Connection& k, const std::string&) { return token_list(k); });
  add_question(*token, action, c, "revoke", "Refuse this token from now on", "NUMBER", true, token_revoke)
      ->footer("Example:\n  tidegate token revoke 3");
  auto* create = token->add_subcommand("create", "A new token; it is printed once");
  auto kind = std::make_shared<std::string>("project");
  auto name = std::make_shared<std::string>();
  create
      ->add_option("--kind", *kind, "project: API and Git; trigger: start pipelines; hook: announce objects")
      ->check(CLI::IsMember({"project", "trigger", "hook"}))
      ->default_str("project");
  create->add_option("--name", *name, "What it is for");
  auto source = std::make_shared<std::string>();
  create->add_option("--source", *source, "Of a hook token: it announces objects of this source only");
  add_connection(*create, c);
  create->callback([=, &action, &c] { action = [=, &c] { return token_create(c, *kind, *name, *source); }; });

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

}  // namespace

void add_server_commands(CLI::App& app, Action& action, Connection& connection) {
  add_data(app, action, connection);
  add_delivery(app, action, connection);
  add_project_commands(app, action, connection);
}

}  // namespace tidegate::main
