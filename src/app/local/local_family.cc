#include "app/local/local_family.h"

#include <algorithm>
#include <system_error>
#include <utility>

#include <fmt/core.h>

#include "app/local/local_io.h"
#include "app/runner/archive.h"
#include "app/server/dotenv.h"
#include "base/text.h"
#include "pipeline/resource_group.h"
#include "pipeline/variables.h"

namespace tidegate::app {

namespace fs = std::filesystem;

namespace {

constexpr std::uint64_t kMaxConfiguration = 5ULL * 1024 * 1024;  // GitLab's limit for a generated file

const pipeline::JobState* find(const LocalPipeline& pipeline, const std::string& name) {
  for (const pipeline::JobState& job : pipeline.state.jobs) {
    if (job.name == name && !job.retried) return &job;
  }
  return nullptr;
}

// Needs outside of what is run are no needs here. Who asks for a job by name wants it to run, whatever the
// others do.
pipeline::JobState first_state(const LocalPipeline& pipeline, const pipeline::PlannedJob& planned, JobId id) {
  pipeline::JobState state = pipeline::initial_state(planned, id, pipeline.plan->stages);
  const auto is_outside = [&](const std::string& need) { return !pipeline.chosen.jobs.contains(need); };
  if (state.needs) std::erase_if(*state.needs, is_outside);
  const bool asked_for = pipeline.chosen.started.contains(planned.name);
  if (state.when == config::When::kOnFailure && asked_for) state.when = config::When::kAlways;
  return state;
}

// The pipeline of the family that a `needs:pipeline` means: one above this one.
const LocalPipeline* ancestor(const LocalPipeline& own, std::string_view id) {
  const auto number = parse_integer(trim(id));
  for (const LocalPipeline* up = own.parent; number && up != nullptr; up = up->parent) {
    if (up->id == *number) return up;
  }
  return nullptr;
}

}  // namespace

LocalPipeline& LocalFamily::add_root(const pipeline::Plan& plan, ChosenJobs chosen, pipeline::Context context,
                                     Instant now) {
  LocalPipeline root;
  root.plan = std::shared_ptr<const pipeline::Plan>(std::shared_ptr<void>(), &plan);  // the caller's
  root.created_at = now;
  root.chosen = std::move(chosen);
  root.context = std::move(context);
  return add(std::move(root));
}

LocalPipeline& LocalFamily::add_child(LocalPipeline& parent, JobId bridge, pipeline::Plan plan,
                                      pipeline::Context context, Instant now) {
  LocalPipeline child;
  child.parent = &parent;
  child.created_at = now;
  child.bridge = bridge;
  child.depth = parent.depth + 1;
  child.within = job(bridge).path();
  for (const pipeline::PlannedJob& planned : plan.jobs) {
    if (planned.created) child.chosen.jobs.insert(planned.name);
  }
  child.plan = std::make_shared<const pipeline::Plan>(std::move(plan));
  child.context = std::move(context);
  return add(std::move(child));
}

LocalPipeline& LocalFamily::add(LocalPipeline made) {
  made.id = static_cast<std::int64_t>(pipelines_.size()) + 1;
  LocalPipeline& added = pipelines_.emplace_back(std::move(made));
  added.state.on_job_failure = added.plan->auto_cancel.on_job_failure;
  for (const pipeline::PlannedJob& planned : added.plan->jobs) {
    if (added.chosen.jobs.contains(planned.name)) add_job(added, planned);
  }
  return added;
}

JobId LocalFamily::add_job(LocalPipeline& pipeline, const pipeline::PlannedJob& planned) {
  const JobId id(next_job_++);
  pipeline.state.jobs.push_back(first_state(pipeline, planned, id));
  slots_.emplace(id, Slot{.pipeline = &pipeline, .planned = &planned, .place = jobs_.size()});
  LocalJob job;
  job.name = planned.name;
  job.stage = planned.stage;
  job.within = pipeline.within;
  job.allow_failure = planned.allow_failure.value;
  jobs_.push_back(std::move(job));
  return id;
}

JobId LocalFamily::again(JobId job) {
  const JobId id(next_job_++);
  slots_.emplace(id, slots_.at(job));
  return id;
}

const pipeline::JobState& LocalFamily::state(JobId job) const {
  return *std::ranges::find(slots_.at(job).pipeline->state.jobs, job, &pipeline::JobState::id);
}

LocalPipeline* LocalFamily::started_by(JobId bridge) {
  const auto found = std::ranges::find_if(pipelines_, [&](const LocalPipeline& pipeline) {
    return pipeline.parent != nullptr && pipeline.bridge == bridge;
  });
  return found == pipelines_.end() ? nullptr : &*found;
}

std::optional<JobId> LocalFamily::next_holder(const std::string& group) const {
  if (group.empty()) return std::nullopt;
  std::vector<pipeline::ResourceUser> users;
  for (const LocalPipeline& pipeline : pipelines_) {
    for (const pipeline::JobState& job : pipeline.state.jobs) {
      if (!job.retried && job.resource_group == group)
        users.push_back({PipelineId(pipeline.id), job.id, job.status});
    }
  }
  return pipeline::next_holder(users, pipeline::ProcessMode::kUnordered);
}

std::vector<LocalJob> LocalFamily::jobs_of(const LocalPipeline& pipeline) const {
  std::vector<LocalJob> out;
  for (const LocalJob& job : jobs_) {
    if (job.within == pipeline.within) out.push_back(job);
  }
  return out;
}

fs::path LocalFamily::archive_of(JobId job) const {
  return artifact_file(artifacts_, job, "archive");
}

Result<LocalFamily::Completed> LocalFamily::message(JobId id) const {
  const LocalPipeline& own = *slots_.at(id).pipeline;
  Completed out{.message = planned(id).message, .reported = {}, .missing = {}};
  pipeline::JobMessage& message = out.message;
  message.id = id;
  message.pipeline_id = own.id;
  const std::string pipeline_id = std::to_string(own.id);
  const pipeline::JobVariables first{
      {.key = "CI_PIPELINE_ID", .value = pipeline_id},
      {.key = "CI_PIPELINE_IID", .value = pipeline_id},
      {.key = "CI_PIPELINE_CREATED_AT", .value = format_iso8601(own.created_at)},
      {.key = "CI_JOB_ID", .value = std::to_string(id.value())}};
  message.variables.insert(message.variables.begin(), first.begin(), first.end());
  for (pipeline::JobDependency& dependency : message.dependencies) {
    const bool declared = std::exchange(dependency.has_artifacts, false);
    if (declared && !own.chosen.jobs.contains(dependency.name)) {
      out.missing.push_back(
          fmt::format("{} goes without the artifacts of {}, which was not asked for "
                      "(--needs runs it too)",
                      message.name, dependency.name));
    }
    if (const auto* giver = find(own, dependency.name)) complete(*giver, dependency, out);
  }
  for (const pipeline::JobElsewhere& wanted : message.elsewhere) TG_CHECK(add_elsewhere(own, wanted, out));
  return out;
}

void LocalFamily::complete(const pipeline::JobState& giver, pipeline::JobDependency& dependency,
                           Completed& out) const {
  dependency.id = giver.id;
  std::error_code error;
  dependency.has_artifacts = fs::exists(archive_of(giver.id), error);
  const auto reported = read_dotenv(artifact_file(artifacts_, giver.id, "dotenv"));
  out.reported.insert(out.reported.end(), reported.begin(), reported.end());
  pipeline::add_report_variables(out.message, reported);
}

Status LocalFamily::add_elsewhere(const LocalPipeline& own, const pipeline::JobElsewhere& wanted,
                                  Completed& out) const {
  if (!wanted.project.empty() || own.parent == nullptr) {
    const std::string where = wanted.project.empty()
                                  ? "pipeline " + printable(wanted.pipeline)
                                  : printable(wanted.project) + " (" + printable(wanted.ref) + ")";
    out.missing.push_back(
        fmt::format("{} wants the artifacts of job \"{}\" of {}: they are not here, and it runs without them",
                    out.message.name, printable(wanted.job), where));
    return {};
  }
  const LocalPipeline* owner = ancestor(own, wanted.pipeline);
  const pipeline::JobState* giver = owner == nullptr ? nullptr : find(*owner, wanted.job);
  pipeline::JobDependency dependency;
  dependency.name = wanted.job;
  if (giver != nullptr && giver->status == pipeline::JobStatus::kSuccess) complete(*giver, dependency, out);
  if (!dependency.has_artifacts)
    return fail(Errc::kNotFound, fmt::format("there are no artifacts of {} in pipeline \"{}\"",
                                             printable(wanted.job), printable(wanted.pipeline)));
  out.message.dependencies.push_back(std::move(dependency));
  return {};
}

Result<std::string> LocalFamily::artifact(const LocalPipeline& pipeline, const std::string& job,
                                          const std::string& path) const {
  const pipeline::JobState* giver = find(pipeline, job);
  std::error_code error;
  if (giver == nullptr || !fs::exists(archive_of(giver->id), error)) {
    return fail(
        Errc::kNotFound,
        fmt::format("Job `{}` not found in parent pipeline or does not have artifacts!", printable(job)));
  }
  return read_archived_file(archive_of(giver->id), path, kMaxConfiguration);
}

}  // namespace tidegate::app
