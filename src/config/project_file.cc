#include "config/project_file.h"

#include <algorithm>
#include <array>
#include <set>

#include <fmt/core.h>

#include "base/text.h"
#include "config/keywords.h"
#include "config/project_values.h"
#include "config/read_data.h"
#include "config/value.h"
#include "config/yaml.h"

namespace tidegate::config {
namespace {

constexpr auto kTop = std::to_array<Keyword>({{"data"}, {"targets"}, {"graphs"}, {"lint"}});
constexpr auto kTarget = std::to_array<Keyword>({
    {"host"},
    {"hosts"},
    {"path"},
    {"releases"},
    {"image"},
    {"from"},
    {"files"},
    {"env"},
    {"python"},
    {"smoke"},
    {"check"},
    {"check_timeout"},
    {"mlflow"},
    {"keep"},
});
constexpr auto kMlflow = std::to_array<Keyword>({{"models"}, {"champion"}, {"previous"}});
constexpr auto kLint = std::to_array<Keyword>({{"disable"}});
constexpr auto kGraph = std::to_array<Keyword>({{"data"}, {"neo4j"}, {"golden"}, {"checks"}, {"keep"}});

/// One host, or several of which the first is the canary.
std::vector<std::string> read_hosts(const Value& value) {
  constexpr std::string_view kForm = "should be ssh://[user@]host[:port]";
  const auto hosts = value.find("hosts");
  if (!hosts) {
    auto host = read_required(value, "host", is_host, kForm);
    return host.empty() ? std::vector<std::string>() : std::vector{std::move(host)};
  }
  if (value.find("host")) hosts->error("keyword-conflict", "stands beside host", "Keep one of the two.");
  auto urls = read_strings(*hosts).value_or(std::vector<std::string>());
  if (urls.empty()) hosts->error("invalid-value", "can't be blank");
  std::set<std::string> seen;
  for (const std::string& url : urls) {
    if (!is_host(url)) hosts->error("invalid-value", fmt::format("{}, not \"{}\"", kForm, printable(url)));
    if (!seen.insert(url).second)
      hosts->error("invalid-value", fmt::format("names \"{}\" twice", printable(url)));
  }
  return urls;
}

/// Names of models and aliases go into MLflow's filters and addresses.
bool is_model_word(std::string_view text) {
  return !text.empty() && text.size() <= 250 && text.find_first_of("'\"\\/:%") == std::string_view::npos &&
         !has_control(text);
}

/// `mlflow: true`, or what is to follow the releases there.
void read_mlflow(const Value& value, Target& target) {
  if (!value.node().is_map()) {
    target.mlflow = read_bool(value).value_or(false);
    return;
  }
  if (!check_map(value, kMlflow)) return;
  target.mlflow = true;
  if (const auto models = value.find("models")) {
    target.models = read_string_or_strings(*models).value_or(std::vector<std::string>());
    for (const std::string& name : target.models) {
      if (!is_model_word(name))
        models->error("invalid-value",
                      fmt::format("\"{}\" is no name of a registered model", printable(name)));
    }
    std::erase_if(target.models, [](const std::string& name) { return !is_model_word(name); });
  }
  const auto alias = [&](const char* key, std::string& to) {
    if (value.find(key)) to = read_checked(value, key, is_model_word, "should be the name of an alias");
  };
  alias("champion", target.champion);
  alias("previous", target.previous);
  if (target.champion == target.previous)
    value.error("invalid-value", "champion and previous are the same alias");
}

Target read_target(const Value& value, const yaml::Mark& mark) {
  Target target;
  target.name = value.name();
  target.place = mark.place();
  if (!check_map(value, kTarget)) return target;
  target.hosts = read_hosts(value);
  target.path = read_required(value, "path", is_absolute, "should be an absolute folder on the host");
  if (const auto releases = value.find("releases")) {
    target.releases = read_string_or_strings(*releases).value_or(std::vector<std::string>());
    std::set<std::string> seen;
    for (const std::string& name : target.releases) {
      if (!is_name(name))
        releases->error("invalid-value", fmt::format("\"{}\" is no name of a release", printable(name)),
                        "Use lower-case letters, digits, - and _.");
      if (!seen.insert(name).second)
        releases->error("invalid-value", fmt::format("names \"{}\" twice", printable(name)));
    }
  }
  if (target.releases.empty() && !value.find("releases"))
    value.error("missing-keyword", "missing required keys: releases");
  if (const auto releases = value.find("releases");
      releases && releases->node().items.empty() && releases->node().is_list())
    releases->error("invalid-value", "can't be blank");
  target.image = read_checked(
      value, "image",
      [](std::string_view text) { return is_relative(text) && only(text, {kLower, kDigits, "._/-"}); },
      "should be a repository below $CI_REGISTRY_IMAGE, without host and tag");
  if (value.find("from"))
    target.from = read_checked(value, "from", is_absolute, "should be an absolute folder");
  target.files = read_paths(value, "files");
  target.env = read_checked(value, "env", is_relative, "should be a path below `path`");
  if (value.find("python")) target.python = read_checked(value, "python", any_text, "can't be blank");
  target.smoke = read_checked(value, "smoke", any_text, "can't be blank");
  target.check = read_checked(value, "check", any_text, "can't be blank");
  target.check_timeout = read_seconds(value, "check_timeout", target.check_timeout);
  if (const auto mlflow = value.find("mlflow")) read_mlflow(*mlflow, target);
  target.keep = read_keep(value, target.keep);
  return target;
}

Graph read_graph(const Value& value, const yaml::Mark& mark, const std::vector<DataSource>& sources) {
  Graph graph;
  graph.name = value.name();
  graph.place = mark.place();
  if (!check_map(value, kGraph)) return graph;
  graph.data = read_required(value, "data", any_text, "can't be blank");
  if (!graph.data.empty() && std::ranges::find(sources, graph.data, &DataSource::name) == sources.end()) {
    std::vector<std::string> names;
    for (const DataSource& source : sources) names.push_back(source.name);
    const auto near = nearest(graph.data, names);
    value.find("data")->error("unknown-data", fmt::format("names no data source: {}", printable(graph.data)),
                              near ? fmt::format("Did you mean {}?", *near) : "");
  }
  if (value.find("neo4j"))
    graph.neo4j = read_checked(
        value, "neo4j",
        [](std::string_view text) {
          return text == "env" ||
                 (!has_control(text) && (text.starts_with("http://") || text.starts_with("https://")));
        },
        "should be http(s)://host:port, or env");
  graph.golden = read_checked(value, "golden", is_relative, "should be a path in the repository");
  if (const auto checks = value.find("checks")) graph.checks = read_graph_checks(*checks);
  graph.keep = read_keep(value, graph.keep);
  return graph;
}

/// Calls `read` for each named entry of a section.
template <class Read>
void read_section(const Value& root, std::string_view keyword, Read read) {
  const auto section = root.find(keyword);
  if (!section) return;
  if (!section->node().is_map()) return section->error("invalid-type", "should be a hash of names");
  for (const yaml::Entry& entry : section->node().entries) {
    if (!is_name(entry.key))
      section->findings().error(
          "invalid-value", entry.mark,
          fmt::format("{} config \"{}\" is no name", section->path(), printable(entry.key)),
          "Use lower-case letters, digits, - and _.");
    read(section->child(*entry.value, entry.key), entry.mark);
  }
}

std::vector<LintSwitch> read_lint(const Value& root) {
  std::vector<LintSwitch> out;
  const auto section = root.find("lint");
  if (!section || !check_map(*section, kLint)) return out;
  const auto disable = section->find("disable");
  if (!disable || !read_strings(*disable)) return out;
  for (const auto& item : disable->node().items)
    out.push_back({.code = item->text, .place = item->mark.place()});
  return out;
}

/// Two targets must not have the same folder: its lease and its journal are of one.
void check_targets(const std::vector<Target>& targets, Findings& out) {
  std::set<std::string> folders;
  for (const Target& target : targets)
    for (const std::string& host : target.hosts)
      if (!target.path.empty() && !folders.insert(host + target.path).second)
        out.add({.severity = Severity::kError,
                 .code = "target-conflict",
                 .message = fmt::format("targets:{} config shares its folder on {} with another target",
                                        target.name, printable(host)),
                 .place = target.place,
                 .hint = "Give each target a path of its own."});
}

}  // namespace

LoadedProjectFile load_project_file(std::string_view text, const std::string& file) {
  LoadedProjectFile loaded;
  Findings out;
  yaml::Parsed parsed = yaml::parse(text, file);
  const bool broken = has_errors(parsed.diagnostics);
  for (Diagnostic& found : parsed.diagnostics) out.add(std::move(found));
  if (!broken && !parsed.documents.empty() && !parsed.documents.front()->is_null()) {
    const Value root(*parsed.documents.front(), "", out);
    if (!root.node().is_map()) {
      out.error("invalid-format", root.node().mark,
                "The file should be a hash with data, targets and graphs");
    } else {
      check_map(root, kTop);
      ProjectFile& project = loaded.file;
      read_section(root, "data", [&](const Value& value, const auto& mark) {
        project.data.push_back(read_data(value, mark));
      });
      read_section(root, "targets", [&](const Value& value, const auto& mark) {
        project.targets.push_back(read_target(value, mark));
      });
      read_section(root, "graphs", [&](const Value& value, const auto& mark) {
        project.graphs.push_back(read_graph(value, mark, project.data));
      });
      project.lint_disable = read_lint(root);
      check_targets(project.targets, out);
    }
  }
  loaded.diagnostics = out.take();
  return loaded;
}

}  // namespace tidegate::config
