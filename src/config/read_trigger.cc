// Bridges: `trigger`, and `needs:pipeline`.
#include <algorithm>
#include <array>

#include <fmt/core.h>

#include "base/text.h"
#include "config/read_parts.h"

namespace tidegate::config {
namespace {

// GitLab: Entry::Trigger::INCLUDE_MAX_SIZE.
constexpr std::size_t kMaxIncludes = 3;

constexpr auto kStrategies = std::to_array<Keyword>({{"depend"}, {"mirror"}});
constexpr auto kBridgeWhen = std::to_array<Keyword>({{"on_success"}, {"on_failure"}, {"always"}, {"manual"}});

/// A path that can name a project: group/name, or with variables. Source: GitLab's schema, project path.
bool names_project(std::string_view path) {
  if (path.find('$') != std::string_view::npos) return true;
  return path.find('/') != std::string_view::npos && path.front() != '/' && path.back() != '/' &&
         path.find_first_of(" \t\n#") == std::string_view::npos;
}

std::string read_project(const Value& value) {
  auto path = read_string(value).value_or("");
  if (value.node().is_string() && !names_project(path))
    value.error("invalid-value", "should be the path of a project", "Write `group/name`.");
  return path;
}

bool written(const Value& hash, std::string_view key) {
  const auto value = hash.find(key);
  return value && !(value->node().is_string() && value->node().text.empty());
}

void check_include_hash(const Value& item) {
  if (!check_map(item, trigger_include_keywords())) return;
  std::size_t kinds = 0;
  for (const std::string_view kind : {"local", "artifact", "project", "remote", "template", "component"})
    kinds += written(item, kind) ? 1 : 0;
  if (kinds != 1)
    item.error("invalid-include", "does not say in one way what to include",
               "Write one of `local`, `artifact` with `job`, `project` with `file`, `remote`, `template`, "
               "`component`.");
  if (written(item, "artifact") && !written(item, "job"))
    item.error("invalid-include", "must specify the job where to fetch the artifact from",
               "Write `job: name` beside `artifact`.");
  if (written(item, "project") && !written(item, "file"))
    item.error("invalid-include", "must specify the file where to fetch the config from",
               "Write `file: path` beside `project`.");
  if (const auto project = item.find("project")) read_project(*project);
  if (const auto file = item.find("file")) read_string_or_strings(*file);
  for (const std::string_view key : {"local", "artifact", "job", "ref", "remote", "template", "component"})
    if (const auto text = item.find(key)) read_string(*text);
}

/// The configuration of the child, as text: its files are read when it is made.
std::string read_include(const Value& include) {
  const yaml::Node& node = include.node();
  if (node.is_list()) {
    if (node.items.empty()) include.error("invalid-value", "can't be blank");
    if (node.items.size() > kMaxIncludes)
      include.error("invalid-value", fmt::format("is too long (maximum is {})", kMaxIncludes));
    for (const yaml::NodePtr& item : node.items) {
      const Value one = include.child(*item, "include");
      if (item->is_string() && !item->text.empty()) continue;
      check_include_hash(one);
    }
  } else if (node.is_map()) {
    check_include_hash(include);
  } else if (!node.is_string() || node.text.empty()) {
    include.error("invalid-type", "should be a string, a hash or an array of those");
  }
  const auto copy = std::make_shared<yaml::Node>(node);
  return yaml::emit(*yaml::make_map({{.key = "include", .mark = node.mark, .value = copy}}, node.mark));
}

/// Values are checked against the header of the other pipeline when that is made.
std::string read_trigger_inputs(const Value& inputs) {
  if (!inputs.node().is_map()) {
    inputs.error("invalid-type", "should be a hash");
    return {};
  }
  for (const yaml::Entry& entry : inputs.node().entries)
    if (entry.value->is_map())
      inputs.child(*entry.value, entry.key).error("invalid-type", "should be a scalar or an array");
  return yaml::emit(inputs.node());
}

void read_forward(const Value& value, Trigger& trigger) {
  if (!check_map(value, trigger_forward_keywords())) return;
  if (const auto yaml = value.find("yaml_variables"))
    trigger.forward_yaml_variables = read_bool(*yaml).value_or(true);
  if (const auto pipeline = value.find("pipeline_variables"))
    trigger.forward_pipeline_variables = read_bool(*pipeline).value_or(false);
}

void read_target(const Value& value, Trigger& trigger) {
  const auto include = value.find("include");
  if (!include && !value.find("project"))
    value.error(
        "missing-keyword", "must specify either project or include",
        "`project: group/name` starts another project's pipeline, `include: file.yml` a child pipeline.");
  if (include) {
    trigger.include = read_include(*include);
    for (const std::string_view key : {"project", "branch"})
      if (const auto found = value.find(key))
        found->error("keyword-conflict", "may not be used with `include`",
                     "A child pipeline belongs to the same project and commit.");
  }
  if (const auto project = value.find("project")) trigger.project = read_project(*project);
  if (const auto branch = value.find("branch")) trigger.branch = read_string(*branch).value_or("");
}

/// `{pipeline: …}` without a job: what a bridge may have, and nothing else may.
void read_pipeline_need(const Value& need, Job& job, bool bridge) {
  const auto pipeline = need.find("pipeline");
  const auto other = need.find("job");
  if (bridge && (need.find("project") || (pipeline && other)))
    return need.error("invalid-value", "uses invalid types: cross_dependency",
                      "A job that starts a pipeline gets no artifacts.");
  if (!pipeline || other) return;
  if (!bridge)
    return need.error(
        "invalid-value", "uses invalid types: bridge",
        "Add `job: name` to get its artifacts; only a job without `script` can follow a pipeline.");
  for (const std::string_view key : {"artifacts", "optional", "parallel", "ref"})
    if (const auto found = need.find(key))
      found->error("keyword-conflict", "may not be used with `pipeline`");
  if (!job.upstream.empty()) need.error("invalid-value", "should contain at most one bridge need");
  job.upstream = read_project(*pipeline);
}

/// The hashes of a `needs`, which may be one itself.
std::vector<const yaml::Node*> need_hashes(const Value& needs) {
  std::vector<const yaml::Node*> out;
  if (needs.node().is_map()) return {&needs.node()};
  if (needs.node().is_list()) out = flatten(needs).value_or(out);
  std::erase_if(out, [](const yaml::Node* need) { return !need->is_map(); });
  return out;
}

bool follows_pipeline(const yaml::Node* need) {
  return need->find("pipeline") != nullptr && need->find("job") == nullptr;
}

}  // namespace

bool is_bridge(const Value& job) {
  if (job.find("trigger")) return true;
  if (job.find("script") || job.find("run")) return false;
  const auto needs = job.find("needs");
  return needs && std::ranges::any_of(need_hashes(*needs), follows_pipeline);
}

void check_bridge(const Value& job) {
  for (const yaml::Entry& entry : job.node().entries) {
    if (const Keyword* known = find_keyword(bridge_keywords(), entry.key)) {
      if (known->support == Support::kError && !entry.value->is_null())
        job.findings().error("unsupported-keyword", entry.mark,
                             fmt::format("{}:{} is not supported", job.path(), entry.key),
                             std::string(known->hint));
      continue;
    }
    if (find_keyword(job_keywords(), entry.key) == nullptr) {
      job.findings().error(
          "unknown-keyword", entry.mark,
          fmt::format("{} config contains unknown keys: {}", job.path(), printable(entry.key)),
          nearest_hint(job.findings(), bridge_keywords(), entry.key));
    } else if (!entry.value->is_null()) {
      job.findings().error(
          "keyword-conflict", entry.mark,
          fmt::format("{} starts a pipeline, and such a job may not have {}", job.path(), entry.key),
          "Make two jobs: one that runs a script, one with `trigger`.");
    }
  }
  if (const auto allow = job.find("allow_failure"); allow && allow->node().kind != yaml::Kind::kBool)
    allow->error("invalid-type", "should be a boolean value",
                 "No script runs here, so there is no exit code.");
  if (const auto parallel = job.find("parallel"); parallel && !parallel->node().is_map())
    parallel->error("invalid-type", "should be a hash with `matrix`", "A number is for jobs with a script.");
  if (const auto when = job.find("when")) read_word(*when, kBridgeWhen);
}

std::optional<Trigger> read_trigger(const Value& value) {
  Trigger trigger;
  trigger.place = value.node().mark.place();
  if (value.node().is_string()) {
    trigger.project = read_project(value);
    return trigger;
  }
  if (!value.node().is_map()) {
    value.error("invalid-type", "has to be either a string or a hash");
    return std::nullopt;
  }
  check_map(value, trigger_keywords());
  read_target(value, trigger);
  if (const auto strategy = value.find("strategy")) {
    const auto word = read_word(*strategy, kStrategies);
    trigger.strategy = word == "mirror" ? TriggerStrategy::kMirror : TriggerStrategy::kDepend;
  }
  if (const auto forward = value.find("forward")) read_forward(*forward, trigger);
  if (const auto inputs = value.find("inputs")) trigger.inputs = read_trigger_inputs(*inputs);
  return trigger;
}

void read_pipeline_needs(const Value& value, Job& job, bool bridge) {
  for (const yaml::Node* need : need_hashes(value))
    read_pipeline_need(value.child(*need, "need"), job, bridge);
}

void refuse_pipeline_needs(const Value& value) {
  for (const yaml::Node* need : need_hashes(value))
    if (follows_pipeline(need))
      value.child(*need, "need")
          .error("invalid-value", "uses invalid types: bridge",
                 "A rule may only need jobs of the same pipeline.");
}

}  // namespace tidegate::config
