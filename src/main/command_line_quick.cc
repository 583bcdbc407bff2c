#include <memory>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "main/command_line.h"
#include "main/local_commands.h"

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

void add_lint(CLI::App& app, Action& action, const RemoteFile& remote) {
  auto options = std::make_shared<LintOptions>();
  options->local.remote = remote;
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
  lint_app->callback([&action, options] {
    action = [options, workings = std::make_shared<Workings>()] { return lint(*options, *workings); };
  });
}

void add_list(CLI::App& app, Action& action, const RemoteFile& remote) {
  auto options = std::make_shared<ListOptions>();
  options->local.remote = remote;
  auto* list_app = app.add_subcommand("list", "The jobs that would be created, and why the others would not");
  list_app->footer(
      "Examples:\n  tidegate list\n  tidegate list --ref dev --changed src/a.cc --json\n  tidegate list "
      "--names");
  add_context(*list_app, options->local);
  auto* as_json = list_app->add_flag("--json", options->json, "For programs: JSON on stdout");
  list_app
      ->add_flag("--names", options->names, "Only the names of the jobs that would be created, one a line")
      ->excludes(as_json);
  list_app->callback([&action, options] {
    action = [options, workings = std::make_shared<Workings>()] { return list(*options, *workings); };
  });
}

void add_graph(CLI::App& app, Action& action, const RemoteFile& remote) {
  auto options = std::make_shared<GraphOptions>();
  options->local.remote = remote;
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
  graph_app->callback([&action, options] {
    action = [options, workings = std::make_shared<Workings>()] { return graph(*options, *workings); };
  });
}

}  // namespace

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

void add_quick_commands(CLI::App& app, Action& action, const RemoteFile& remote) {
  add_lint(app, action, remote);
  add_list(app, action, remote);
  add_graph(app, action, remote);
}

}  // namespace tidegate::main
