// What pipelines share: resource groups, a branch that only the newest should run for, artifacts of others.
#include <algorithm>
#include <chrono>
#include <set>

#include <fmt/core.h>

#include "app/server/dotenv.h"
#include "app/server/family.h"
#include "app/server/pipelines.h"
#include "base/log.h"
#include "base/text.h"
#include "pipeline/variables.h"

namespace tidegate::app {
namespace {

/// GitLab leaves older pipelines alone.
constexpr std::chrono::days kRedundantAtMost{7};
/// How many pipelines of another project are looked through for a job.
constexpr std::int64_t kMostPipelines = 200;

std::string_view group_of(std::string_view path) {
  const auto slash = path.rfind('/');
  return slash == std::string_view::npos ? std::string_view() : path.substr(0, slash);
}

}  // namespace

Status Pipelines::set_process_mode(ProjectId project, const std::string& group, pipeline::ProcessMode mode) {
  TG_TRY(const auto groups, ports_.store.resource_groups(project));
  if (std::ranges::find(groups, group, &ResourceGroup::key) == groups.end()) {
    return fail(Errc::kNotFound, "404 Resource Group Not Found");
  }
  TG_CHECK(ports_.store.set_process_mode(project, group, mode));
  assign_resource(project, group);
  return {};
}

// Whatever happens to a job of a group may free it, or bring it to its turn. Later, because assigning sends
// events to other pipelines.
void Pipelines::assign_soon(const Active& active, const std::vector<pipeline::Effect>& effects) {
  std::set<std::string> groups;
  for (const pipeline::Effect& effect : effects) {
    const auto* changed = std::get_if<pipeline::StatusChanged>(&effect);
    const auto* request = std::get_if<pipeline::RequestResource>(&effect);
    if (changed == nullptr && request == nullptr) continue;
    const JobId id = changed != nullptr ? changed->job : request->job;
    const auto job = std::ranges::find(active.state.jobs, id, &pipeline::JobState::id);
    if (job != active.state.jobs.end() && !job->resource_group.empty()) groups.insert(job->resource_group);
  }
  for (const std::string& group : groups) {
    ports_.loop.post([this, project = active.record.project, group] { assign_resource(project, group); });
  }
}

void Pipelines::assign_resource(ProjectId project, const std::string& group) {
  const auto next = next_user(project, group);
  if (!next) {
    log::error("pipeline", "resource group {}: {}; trying again", printable(group), next.error().message);
    ports_.loop.post_after(kTryAgain, [this, project, group] { assign_resource(project, group); });
  } else if (*next) {
    send((*next)->pipeline, pipeline::ResourceAssigned{(*next)->job});
  }
}

Result<std::optional<pipeline::ResourceUser>> Pipelines::next_user(ProjectId project,
                                                                   const std::string& group) {
  TG_TRY(const auto groups, ports_.store.resource_groups(project));
  const auto known = std::ranges::find(groups, group, &ResourceGroup::key);
  const auto mode = known == groups.end() ? pipeline::ProcessMode::kUnordered : known->mode;
  TG_TRY(const auto unsettled, ports_.store.unsettled_pipelines());
  std::vector<pipeline::ResourceUser> users;
  for (const Pipeline& record : unsettled) {
    if (record.project != project || pipeline::is_completed(record.status)) continue;
    TG_TRY(const Active* loaded, active(record.id));
    for (const pipeline::JobState& job : loaded->state.jobs) {
      if (!job.retried && job.resource_group == group) users.push_back({record.id, job.id, job.status});
    }
  }
  const auto next = pipeline::next_holder(users, mode);
  if (!next) return std::optional<pipeline::ResourceUser>();
  return std::optional(*std::ranges::find(users, *next, &pipeline::ResourceUser::job));
}

// Source: app/services/ci/pipeline_creation/cancel_redundant_pipelines_service.rb. Candidates have branches
// of their own, and what becomes of them is the gate's to say.
Status Pipelines::cancel_redundant(const Pipeline& newer, const std::string& head) {
  if (newer.version || is_child(newer)) return {};
  TG_TRY(const auto unsettled, ports_.store.unsettled_pipelines());
  for (const Pipeline& older : unsettled) {
    const bool same_ref =
        older.project == newer.project && older.ref == newer.ref && older.is_tag == newer.is_tag;
    const bool counts =
        !older.version && !is_child(older) && older.id < newer.id && !pipeline::is_completed(older.status);
    if (!same_ref || !counts || older.sha == newer.sha || older.sha == head) continue;
    if (newer.created_at - older.created_at > kRedundantAtMost) continue;
    log::info("pipeline", "#{} is newer than #{} on {}", newer.id.value(), older.id.value(), older.ref);
    send(older.id, pipeline::NewCommit{older.on_new_commit});
    TG_TRY(const auto left, ports_.store.pipeline(older.id));
    const bool canceled = left && (left->status == pipeline::JobStatus::kCanceled ||
                                   left->status == pipeline::JobStatus::kCanceling);
    if (canceled) TG_CHECK(cancel_children(older.id));
  }
  return {};
}

Status Pipelines::give(const Job& giver, pipeline::JobDependency& dependency, pipeline::JobMessage& message,
                       pipeline::JobVariables* reported) {
  dependency.id = giver.state.id;
  dependency.token = message.token.reveal();
  TG_TRY(const auto artifacts, ports_.store.artifacts(giver.state.id));
  for (const Artifact& artifact : artifacts) {
    if (artifact.type == "archive") dependency.has_artifacts = true;
    if (artifact.type != "dotenv") continue;
    const auto variables = read_dotenv(artifact.file);
    pipeline::add_report_variables(message, variables);
    if (reported != nullptr) reported->insert(reported->end(), variables.begin(), variables.end());
  }
  return {};
}

Status Pipelines::add_elsewhere(const Job& job, pipeline::JobMessage& message,
                                pipeline::JobVariables* reported) {
  if (message.elsewhere.empty()) return {};
  TG_TRY(const auto project, ports_.store.project(job.project));
  if (!project) return fail(Errc::kInternal, "the job's project is gone");
  for (const pipeline::JobElsewhere& elsewhere : message.elsewhere) {
    TG_TRY(const Job other, find_elsewhere(*project, elsewhere));
    pipeline::JobDependency dependency;
    dependency.name = other.state.name;
    TG_CHECK(give(other, dependency, message, reported));
    message.dependencies.push_back(std::move(dependency));
  }
  return {};
}

// There are no users whose rights could be asked for, so the group is the border: who may change one project
// of it is trusted with the artifacts of the others.
Result<Job> Pipelines::find_elsewhere(const Project& project, const pipeline::JobElsewhere& elsewhere) {
  if (!elsewhere.pipeline.empty()) {
    const auto number = parse_integer(elsewhere.pipeline);
    TG_TRY(const auto found, ports_.store.pipeline(PipelineId{number.value_or(0)}));
    if (!found || found->project != project.id) {
      return fail(Errc::kNotFound, fmt::format("needs:pipeline: there is no pipeline \"{}\" in this project",
                                               printable(elsewhere.pipeline, 60)));
    }
    TG_TRY(auto job, done_job(found->id, elsewhere.job));
    if (job) return *std::move(job);
    return fail(Errc::kNotFound, fmt::format("needs:pipeline: no job \"{}\" has succeeded in pipeline {}",
                                             printable(elsewhere.job), found->id.value()));
  }
  TG_TRY(const auto other, ports_.store.project_by_path(elsewhere.project));
  if (!other || group_of(other->path) != group_of(project.path)) {
    return fail(Errc::kNotFound, fmt::format("needs:project: there is no project \"{}\" in the group of {}",
                                             printable(elsewhere.project), project.path));
  }
  PipelineFilter on_ref;
  on_ref.ref = elsewhere.ref;
  TG_TRY(const auto pipelines, ports_.store.pipelines(other->id, on_ref, kMostPipelines, 0));
  for (const Pipeline& pipeline : pipelines) {
    TG_TRY(auto job, done_job(pipeline.id, elsewhere.job));
    if (job) return *std::move(job);
  }
  return fail(Errc::kNotFound, fmt::format("needs:project: no job \"{}\" of {} has succeeded for {}",
                                           printable(elsewhere.job), other->path, printable(elsewhere.ref)));
}

Result<std::optional<Job>> Pipelines::done_job(PipelineId pipeline, const std::string& name) {
  TG_TRY(const auto jobs, ports_.store.jobs(pipeline));
  for (const Job& job : jobs) {
    if (job.state.name == name && !job.state.retried && job.state.status == pipeline::JobStatus::kSuccess) {
      return std::optional(job);
    }
  }
  return std::optional<Job>();
}

}  // namespace tidegate::app
