#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/core.h>

#include "main/command_line.h"
#include "main/data_client.h"
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
  sub->callback([&action, &c, sub, text, ask] {
    // A subcommand of its own has spoken already.
    if (sub->get_subcommands().empty()) action = [&c, text, ask] { return ask(c, *text); };
  });
  return sub;
}

void add_backfill(CLI::App& data, Action& action, Connection& c) {
  auto* sub = data.add_subcommand("backfill", "Objects that were there before become versions, oldest first");
  sub->footer("Example:\n  tidegate data backfill training --since 2026-01-01 --match '2026/*.jsonl'");
  auto source = std::make_shared<std::string>();
  auto filter = std::make_shared<Form>(Form{{"since", ""}, {"match", ""}, {"reason", ""}});
  sub->add_option("SOURCE", *source)->required();
  sub->add_option("--since", (*filter)[0].second, "Not older than this day or time")->type_name("TIME");
  sub->add_option("--match", (*filter)[1].second, "Only keys, after the prefix, that match")
      ->type_name("GLOB");
  sub->add_option("--reason", (*filter)[2].second, "Why: is recorded")->type_name("TEXT");
  add_connection(*sub, c);
  sub->callback([&action, &c, source, filter] {
    action = [&c, source, filter] { return data_backfill(c, *source, *filter); };
  });
}

void add_data(CLI::App& app, Action& action, Connection& c) {
  auto* data = app.add_subcommand("data", "Data sources, dataset versions, and what became of them");
  data->require_subcommand(1);
  add_question(*data, action, c, "list", "Sources and their versions, newest first", "SOURCE", false,
               data_list);
  add_question(*data, action, c, "show", "One version: object, commit, jobs, the log line that failed",
               "SOURCE/NUMBER", true, data_show)
      ->footer("Example:\n  tidegate data show training/7");
  add_question(*data, action, c, "events", "What was announced, what was decided about it, what it became",
               "SOURCE", false, data_events);
  add_question(*data, action, c, "actions", "What people did to data: who, when and why", "SOURCE", false,
               data_actions);
  const auto act = [&](const char* name, const char* help, bool needs_reason) {
    auto* sub = data->add_subcommand(name, help);
    auto version = std::make_shared<std::string>();
    auto reason = std::make_shared<std::string>();
    sub->add_option("SOURCE/NUMBER", *version)->required();
    sub->add_option("--reason", *reason, "Why: is recorded")->required(needs_reason)->type_name("TEXT");
    add_connection(*sub, c);
    sub->callback([&action, &c, name = std::string(name), version, reason] {
      action = [&c, name, version, reason] { return data_do(c, name, *version, *reason); };
    });
    return sub;
  };
  act("replay", "Send a version through the gate again, as a new version", false)
      ->footer("Example:\n  tidegate data replay training/7    after its tests were mended");
  act("pin", "Stay at this version, the live one; what lands waits", true)
      ->footer("Example:\n  tidegate data pin training/7 --reason 'audit until Friday'");
  act("skip", "Do not run a version that waits", true);
  act("quarantine", "Never run this object version, nor the same bytes, until it is released", true);
  act("release", "Take a version out of quarantine; it does not run by itself", true);
  auto* unpin = data->add_subcommand("unpin", "Let what lands run again");
  auto source = std::make_shared<std::string>();
  auto reason = std::make_shared<std::string>();
  unpin->add_option("SOURCE", *source)->required();
  unpin->add_option("--reason", *reason, "Why: is recorded")->required()->type_name("TEXT");
  add_connection(*unpin, c);
  unpin->callback([&action, &c, source, reason] {
    action = [&c, source, reason] { return data_unpin(c, *source, *reason); };
  });
  add_backfill(*data, action, c);
}

void add_lineage(CLI::App& app, Action& action, Connection& c) {
  auto* all = add_question(
      app, action, c, "lineage",
      "From object, version, commit, pipeline, image, release or training run: from any of them to all",
      "WHAT", false, [](Connection& k, const std::string& what) {
        if (!what.empty()) return lineage(k, what);
        fmt::print(stderr, "tidegate: lineage of what? See `tidegate lineage --help`\n");
        return kUsage;
      });
  all->require_subcommand(0, 1);
  all->footer(
      "Examples:\n  tidegate lineage training/7\n  tidegate lineage 1a2b3c4d\n  tidegate lineage '#12'\n  "
      "tidegate "
      "lineage sha256:0123…\n  tidegate lineage verify");
  auto* verify =
      all->add_subcommand("verify", "Are the records whole, and logs, objects and commits as they say?");
  auto known = std::make_shared<std::string>();
  verify->add_option("--known", *known,
                     "NUMBER:HASH, a head that an earlier verification printed: it must be there");
  add_connection(*verify, c);
  verify->footer("Example:\n  tidegate lineage verify --known 12:0123…");
  verify->callback([&action, &c, known] { action = [&c, known] { return lineage_verify(c, *known); }; });
  auto* out = all->add_subcommand("export", "The records for other programs, one JSON value a line");
  auto what = std::make_shared<LineageExport>();
  out->add_option("--format", what->format, "openlineage: run events; slsa: in-toto statements of images")
      ->check(CLI::IsMember({"openlineage", "slsa"}))
      ->default_str("openlineage");
  out->add_option("--since", what->since, "Only records of this time and later: 2026-11-30T12:00:00Z");
  out->add_flag("--signed", what->is_signed, "slsa: each statement in a DSSE envelope signed by the server");
  add_connection(*out, c);
  out->footer("Example:\n  tidegate lineage export --format slsa --signed");
  out->callback([&action, &c, what] { action = [&c, what] { return lineage_export(c, *what); }; });
  add_question(*all, action, c, "key", "The public key of signed exports (PEM)", nullptr, false,
               [](Connection& k, const std::string&) { return lineage_key(k); });
}

void add_delivery(CLI::App& app, Action& action, Connection& c) {
  add_question(app, action, c, "releases", "Releases on a target (asks the host), or the history of all",
               "TARGET", false, releases);
  add_question(app, action, c, "drift",
               "Is what is live on the hosts as it was made? Files, packages, links, settings", "TARGET",
               false, drift)
      ->footer(
          "Exit code 1: it is not; 3: a host could not be asked.\nExample:\n  tidegate drift training "
          "--json");
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
  add_lineage(app, action, c);
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
