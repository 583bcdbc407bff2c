// needs: jobs of this pipeline, instances of parallel jobs, and jobs elsewhere.
// Source: GitLab CI/CD YAML reference, needs; lib/gitlab/ci/config/entry/need.rb, needs.rb.
#include <algorithm>
#include <array>

#include <fmt/core.h>

#include "base/text.h"
#include "config/read_parts.h"

namespace tidegate::config {
namespace {

constexpr std::size_t kMaxElsewhere = 5;

// Which keys go together: by the kind of need.
constexpr auto kElsewhereKeys =
    std::to_array<Keyword>({{"job"}, {"artifacts"}, {"pipeline"}, {"project"}, {"ref"}});

void refuse_keys(const Value& value, std::string_view kind, Keywords allowed) {
  for (const yaml::Entry& entry : value.node().entries)
    if (find_keyword(need_keywords(), entry.key) != nullptr && find_keyword(allowed, entry.key) == nullptr)
      value.findings().error(
          "keyword-conflict", entry.mark,
          fmt::format("{} config: {} cannot be used with {}", value.path(), entry.key, kind));
}

/// A job of another pipeline, or of another project: what its keys must be.
void read_elsewhere(const Value& value, Need& need) {
  const auto pipeline = value.find("pipeline");
  const auto project = value.find("project");
  const auto ref = value.find("ref");
  if (pipeline && project) {
    value.error("keyword-conflict", "can name a pipeline or a project, not both");
    return;
  }
  refuse_keys(value, pipeline ? "pipeline" : "project", kElsewhereKeys);
  if (pipeline) {
    need.pipeline = read_scalar(*pipeline).value_or("");
    if (ref) ref->error("keyword-conflict", "cannot be used with pipeline");
    if (need.pipeline.empty()) pipeline->error("invalid-value", "can't be blank");
    return;
  }
  need.project = read_string(*project).value_or("");
  if (ref) need.ref = read_string(*ref).value_or("");
  if (need.project.empty()) project->error("invalid-value", "can't be blank");
  if (need.ref.empty()) value.error("missing-keyword", "ref can't be blank", "Name the branch: `ref: main`.");
}

/// False when there is no job in it: what is missing has been reported.
bool read_need_hash(const Value& value, Need& need) {
  check_map(value, need_keywords());
  const bool elsewhere = value.find("pipeline") || value.find("project");
  const auto job = value.find("job");
  if (!job && value.find("pipeline")) return false;  // to mirror its status: read_pipeline_needs()
  if (!job) {
    value.error("missing-keyword", "job can't be blank");
    return false;
  }
  need.job = read_string(*job).value_or("");
  if (const auto artifacts = value.find("artifacts")) need.artifacts = read_bool(*artifacts).value_or(true);
  if (const auto optional = value.find("optional")) need.optional = read_bool(*optional).value_or(false);
  if (const auto parallel = value.find("parallel")) need.parallel = read_parallel(*parallel, false);
  if (elsewhere) {
    read_elsewhere(value, need);
  } else if (const auto ref = value.find("ref")) {
    ref->error("keyword-conflict", "goes with project", "Write `project:` beside it.");
  }
  return true;
}

std::optional<Need> read_need(const Value& value) {
  Need need;
  need.place = value.node().mark.place();
  if (value.node().is_string()) {
    need.job = value.node().text;
  } else if (!value.node().is_map()) {
    value.error("invalid-type", "need has an unsupported type", "Write the name of a job, or {job: name}.");
    return std::nullopt;
  } else if (!read_need_hash(value, need)) {
    return std::nullopt;
  }
  if (need.job.empty()) {
    value.error("invalid-value", "job can't be blank");
    return std::nullopt;
  }
  return need;
}

}  // namespace

std::optional<std::vector<Need>> read_needs(const Value& value) {
  std::vector<const yaml::Node*> items;
  if (value.node().is_map()) {
    items.push_back(&value.node());
  } else if (auto flat = flatten(value)) {
    items = *std::move(flat);
  } else {
    value.error("invalid-type", "can only be a hash or an array", "Write a list of job names.");
    return std::nullopt;
  }
  std::vector<Need> needs;
  for (const yaml::Node* item : items)
    if (auto need = read_need(value.child(*item, "need"))) needs.push_back(*std::move(need));
  const auto pipelines =
      std::ranges::count_if(needs, [](const Need& need) { return !need.pipeline.empty(); });
  const auto projects = std::ranges::count_if(needs, [](const Need& need) { return !need.project.empty(); });
  if (static_cast<std::size_t>(std::max(pipelines, projects)) > kMaxElsewhere)
    value.error("too-many-needs", fmt::format("names more than {} jobs of other {}", kMaxElsewhere,
                                              pipelines > projects ? "pipelines" : "projects"));
  return needs;
}

}  // namespace tidegate::config
