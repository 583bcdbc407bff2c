#include "config/read_root.h"

#include <algorithm>

#include <fmt/core.h>

#include "base/text.h"
#include "config/read_job.h"
#include "config/read_parts.h"

namespace tidegate::config {
namespace {

// Of all jobs together, with `default` copied into each: against a small text that asks for a huge result.
constexpr std::uint64_t kMaxWeight = 4'000'000;
constexpr std::size_t kMaxPipelineName = 255;

std::vector<std::string> read_stages(const Value& root) {
  std::vector<std::string> stages = {"build", "test", "deploy"};
  if (const auto value = root.find("stages")) {
    const auto items = flatten(*value);
    const bool strings =
        items && std::ranges::all_of(*items, [](const yaml::Node* item) { return item->is_string(); });
    if (!strings) {
      value->error("invalid-type",
                   "should be an array of strings or a nested array of strings up to 10 levels deep");
    } else {
      stages.clear();
      for (const yaml::Node* item : *items)
        if (std::ranges::find(stages, item->text) == stages.end()) stages.push_back(item->text);
    }
  }
  std::erase_if(stages, [](const std::string& stage) { return stage == ".pre" || stage == ".post"; });
  stages.insert(stages.begin(), ".pre");
  stages.emplace_back(".post");
  return stages;
}

Workflow read_workflow(const Value& value) {
  Workflow workflow;
  workflow.place = value.node().mark.place();
  if (!check_map(value, workflow_keywords())) return workflow;
  if (const auto rules = value.find("rules")) workflow.rules = read_workflow_rules(*rules);
  if (const auto cancel = value.find("auto_cancel")) workflow.auto_cancel = read_auto_cancel(*cancel);
  if (const auto name = value.find("name")) {
    workflow.name = read_string(*name).value_or("");
    if (workflow.name.size() > kMaxPipelineName)
      name->error("invalid-value", "is too long (maximum is 255 characters)");
  }
  return workflow;
}

bool too_large(const yaml::Node& root, const Defaults& defaults) {
  std::uint64_t each = defaults.table ? defaults.table->node().weight : 0;
  for (const std::string_view keyword : {"image", "services", "cache", "before_script", "after_script"})
    if (const yaml::Node* old = root.find(keyword)) each += old->weight;
  return root.weight > kMaxWeight || each > kMaxWeight / (root.entries.size() + 1);
}

void read_entry(const Value& root, const Value& jobs, const yaml::Entry& entry, const Defaults& defaults,
                Definition& definition) {
  Findings& out = root.findings();
  if (const Keyword* keyword = find_keyword(root_keywords(), entry.key)) {
    if (keyword->support == Support::kError)
      out.error("unsupported-keyword", entry.mark, fmt::format("{} is not supported here", entry.key),
                std::string(keyword->hint));
    return;
  }
  if (entry.key.starts_with('.')) return;
  if (entry.key == "<<") return report_stray_merge(out, entry);
  const Value job = jobs.child(*entry.value, entry.key);
  if (!entry.value->is_map()) {
    std::string hint = nearest_hint(out, root_keywords(), entry.key);
    if (hint.empty())
      hint = "A job is a hash with `script`; a name that begins with a dot may hold any value.";
    out.error("not-a-job", entry.mark, fmt::format("{} config should be a hash", job.path()), hint);
    return;
  }
  if (entry.key.empty()) {
    out.error("invalid-value", entry.mark, "jobs name can't be blank");
    return;
  }
  // YAML has no such strings without quotes. Source: GitLab docs, unavailable names for jobs.
  if (entry.key == "true" || entry.key == "false" || entry.key == "nil") {
    out.error("invalid-value", entry.mark, fmt::format("{} cannot be the name of a job", entry.key));
    return;
  }
  out.set_job(entry.key);
  definition.jobs.push_back(read_job(job, entry.mark, defaults));
  out.set_job({});
}

}  // namespace

Definition read_definition(const yaml::Node& root_node, Findings& out) {
  Definition definition;
  const Value root(root_node, "", out);
  const Value jobs(root_node, "jobs", out);
  const Defaults defaults(root);
  if (too_large(root_node, defaults)) {
    out.error("config-too-large", root_node.mark, "The configuration is too large");
    return definition;
  }
  definition.stages = read_stages(root);
  if (const auto variables = root.find("variables"))
    definition.variables = read_variables(*variables, VariableForm::kGlobal);
  if (const auto workflow = root.find("workflow")) definition.workflow = read_workflow(*workflow);
  check_defaults(defaults);
  for (const yaml::Entry& entry : root_node.entries) read_entry(root, jobs, entry, defaults, definition);
  if (definition.jobs.empty() && !out.has_errors())
    out.error("no-jobs", root_node.mark, "jobs config should contain at least one visible job");
  return definition;
}

}  // namespace tidegate::config
