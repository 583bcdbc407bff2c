#include "config/project_file.h"

#include <algorithm>
#include <array>
#include <set>

#include <fmt/core.h>

#include "base/text.h"
#include "config/keywords.h"
#include "config/value.h"
#include "config/yaml.h"

namespace tidegate::config {
namespace {

constexpr Seconds kDay{24 * 3600};
constexpr int kMostKept = 100;

constexpr auto kTop = std::to_array<Keyword>({{"data"}, {"targets"}, {"graphs"}, {"lint"}});
constexpr auto kData = std::to_array<Keyword>({
    {"source"},
    {"include"},
    {"ready"},
    {"bind"},
    {"branch"},
    {"max_size"},
    {"in_flight"},
    {"ordered"},
    {"on_failure"},
    {"limits"},
    {"network"},
});
constexpr auto kReady = std::to_array<Keyword>({{"quiet"}, {"manifest"}, {"marker"}});
constexpr auto kBinding = std::to_array<Keyword>({{"file"}, {"name"}, {"marker"}, {"variable"}});
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

constexpr std::string_view kLower = "abcdefghijklmnopqrstuvwxyz";
constexpr std::string_view kUpper = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
constexpr std::string_view kDigits = "0123456789";

bool only(std::string_view text, std::initializer_list<std::string_view> sets) {
  return !text.empty() && std::ranges::all_of(text, [&](char c) {
    return std::ranges::any_of(sets,
                               [&](std::string_view set) { return set.find(c) != std::string_view::npos; });
  });
}

/// Names become folders, variables and branch names, so they are plain words.
bool is_name(std::string_view text) {
  return text.size() <= 63 && only(text, {kLower, kDigits, "_-"}) && text.front() != '-';
}

bool has_control(std::string_view text) {
  return std::ranges::any_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; });
}

bool has_dots(std::string_view path) {
  const auto parts = split(path, '/');
  return std::ranges::any_of(parts, [](const std::string& part) { return part == ".." || part == "."; });
}

bool is_absolute(std::string_view path) {
  return path.size() > 1 && path.front() == '/' && !has_control(path) && !has_dots(path);
}

/// Inside the folder that it is relative to.
bool is_relative(std::string_view path) {
  return !path.empty() && path.front() != '/' && path.front() != '-' && !has_control(path) && !has_dots(path);
}

/// ssh://[user@]host[:port]. Nothing that ssh could take for an option.
bool is_host(std::string_view text) {
  constexpr std::string_view kScheme = "ssh://";
  if (!text.starts_with(kScheme)) return false;
  text.remove_prefix(kScheme.size());
  if (const auto at = text.find('@'); at != std::string_view::npos) {
    const std::string_view user = text.substr(0, at);
    if (!only(user, {kLower, kUpper, kDigits, "._-"}) || user.front() == '-') return false;
    text.remove_prefix(at + 1);
  }
  std::string_view host = text;
  const auto end = text.starts_with('[') ? text.find(']') : 0;
  if (end == std::string_view::npos) return false;
  if (const auto colon = text.find(':', end); colon != std::string_view::npos) {
    const auto port = parse_integer(text.substr(colon + 1));
    if (!port || *port < 1 || *port > 65535) return false;
    host = text.substr(0, colon);
  }
  if (host.starts_with('['))
    return host.ends_with(']') && only(host.substr(1, host.size() - 2), {kDigits, "abcdefABCDEF:."});
  return only(host, {kLower, kUpper, kDigits, "._-"}) && host.front() != '-';
}

bool is_source(std::string_view text) {
  if (has_control(text)) return false;
  if (text.starts_with("file://")) return is_absolute(text.substr(7));
  if (!text.starts_with("s3://")) return false;
  const std::string_view bucket = text.substr(5, text.find('/', 5) - 5);
  return bucket.size() >= 3 && only(bucket, {kLower, kUpper, kDigits, ".-_"}) && bucket.front() != '-';
}

/// A string keyword that must pass a test; empty when it is absent or wrong.
std::string read_checked(const Value& parent, std::string_view keyword, bool (*good)(std::string_view),
                         std::string_view what) {
  const auto value = parent.find(keyword);
  if (!value) return {};
  const auto text = read_string(*value);
  if (!text) return {};
  if (good(*text)) return *text;
  value->error("invalid-value", what);
  return {};
}

std::string read_required(const Value& parent, std::string_view keyword, bool (*good)(std::string_view),
                          std::string_view what) {
  if (!parent.find(keyword))
    parent.error("missing-keyword", fmt::format("missing required keys: {}", keyword));
  return read_checked(parent, keyword, good, what);
}

bool any_text(std::string_view text) {
  return !text.empty() && text.find('\0') == std::string_view::npos;
}

/// A duration in words, or a whole number of seconds.
Seconds read_seconds(const Value& parent, std::string_view keyword, Seconds usual) {
  const auto value = parent.find(keyword);
  if (!value) return usual;
  if (value->node().kind == yaml::Kind::kInt)
    return Seconds{read_integer(*value, 0, kDay.count()).value_or(usual.count())};
  return read_duration(*value, kDay, Seconds{0}).value_or(usual);
}

int read_keep(const Value& parent, int usual) {
  const auto value = parent.find("keep");
  return value ? static_cast<int>(read_integer(*value, 1, kMostKept).value_or(usual)) : usual;
}

std::vector<std::string> read_paths(const Value& parent, std::string_view keyword) {
  const auto value = parent.find(keyword);
  if (!value) return {};
  auto paths = read_strings(*value).value_or(std::vector<std::string>());
  for (const std::string& path : paths)
    if (!is_relative(path))
      value->error("invalid-value",
                   fmt::format("should hold paths below the folder, not \"{}\"", printable(path)));
  return paths;
}

/// A name that every shell takes; not one of those that Tidegate or GitLab set.
bool is_variable(std::string_view text) {
  return only(text, {kLower, kUpper, kDigits, "_"}) && kDigits.find(text.front()) == std::string_view::npos &&
         !text.starts_with("CI_") && !text.starts_with("TIDEGATE_");
}

Binding read_binding(const Value& value) {
  Binding binding;
  if (!check_map(value, kBinding)) return binding;
  if (value.find("variable")) {
    binding.variable = read_checked(value, "variable", is_variable,
                                    "should be a name that does not begin with CI_ or TIDEGATE_");
    for (const char* other : {"file", "name", "marker"})
      if (value.find(other))
        value.error("keyword-conflict", fmt::format("has both variable and {}", other),
                    "A variable changes no file: give each an item of its own.");
    return binding;
  }
  binding.file = read_required(value, "file", is_relative, "should be a path in the repository");
  binding.name = read_checked(value, "name", any_text, "can't be blank");
  binding.marker = read_checked(value, "marker", any_text, "can't be blank");
  if (!binding.name.empty() && !binding.marker.empty())
    value.error("keyword-conflict", "has both name and marker", "Keep one of the two.");
  return binding;
}

/// "500", "20MB", "5 GiB": bytes. Nothing: no size, or one that 63 bits do not hold.
std::optional<std::uint64_t> parse_size(std::string_view text) {
  static constexpr std::array<std::string_view, 5> kPowers = {"", "K", "M", "G", "T"};
  const std::size_t digits = std::min(text.find_first_not_of(kDigits), text.size());
  const auto number = parse_integer(text.substr(0, digits));
  std::string unit = to_upper(trim(text.substr(digits)));
  const std::uint64_t base = unit.ends_with("IB") ? 1024 : 1000;
  if (unit.ends_with("IB")) unit.resize(unit.size() - 2);
  if (unit.ends_with("B")) unit.resize(unit.size() - 1);
  const auto power = std::ranges::find(kPowers, unit);
  if (!number || *number <= 0 || power == kPowers.end()) return std::nullopt;
  auto size = static_cast<std::uint64_t>(*number);
  for (auto step = kPowers.begin(); step != power; ++step) {
    if (size > (std::uint64_t{1} << 62U) / base) return std::nullopt;
    size *= base;
  }
  return size;
}

std::uint64_t read_size(const Value& parent, std::string_view keyword, std::uint64_t usual) {
  const auto value = parent.find(keyword);
  const auto text = value ? read_scalar(*value) : std::nullopt;
  if (!text) return usual;
  if (const auto size = parse_size(*text)) return *size;
  value->error("invalid-value", "should be a number of bytes, as 500MB or 5GiB");
  return usual;
}

/// One segment of a key.
bool is_segment(std::string_view text) {
  return any_text(text) && text.find('/') == std::string_view::npos && !has_control(text);
}

void read_ready(const Value& ready, DataSource& data) {
  if (!check_map(ready, kReady)) return;
  data.manifest = read_checked(ready, "manifest", any_text, "can't be blank");
  data.marker = read_checked(ready, "marker", is_segment, "should be the name of an object, without folders");
  // Complete is complete: nothing more is waited for, unless somebody says so.
  if (!data.manifest.empty() || !data.marker.empty()) data.quiet = Seconds{0};
  data.quiet = read_seconds(ready, "quiet", data.quiet);
  if (ready.find("manifest") && ready.find("marker"))
    ready.error("keyword-conflict", "has both manifest and marker", "Keep one of the two.");
}

void read_bindings(const Value& value, DataSource& data) {
  const auto bind = value.find("bind");
  if (!bind) {
    value.warning("no-binding", "has no `bind`: new data changes no file",
                  "Write bind: [{ file: train.py, name: DATA_PATH }].");
  } else if (!bind->node().is_list()) {
    bind->error("invalid-type", "should be an array");
  } else {
    for (const yaml::NodePtr& item : bind->node().items)
      data.bind.push_back(read_binding(bind->child(*item, "binding")));
  }
}

DataSource read_data(const Value& value, const yaml::Mark& mark) {
  DataSource data;
  data.name = value.name();
  data.place = mark.place();
  if (!check_map(value, kData)) return data;
  data.source = read_required(value, "source", is_source, "should be s3://bucket/prefix/ or file:///folder/");
  if (const auto include = value.find("include"))
    data.include = read_string_or_strings(*include).value_or(std::vector<std::string>());
  if (const auto ready = value.find("ready")) read_ready(*ready, data);
  data.branch = read_checked(value, "branch", any_text, "can't be blank");
  data.max_size = read_size(value, "max_size", data.max_size);
  data.gate = read_gate_settings(value);
  read_bindings(value, data);
  return data;
}

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
