#include "app/server/environments.h"

#include <algorithm>

#include "base/log.h"

namespace tidegate::app {

// The job is one of the pipeline that deployed last; what has run there is not run again.
Result<bool> Environments::play_stop_job(const EnvironmentRecord& environment) {
  if (environment.on_stop.empty() || !environment.last_job) return false;
  TG_TRY(const auto deployed, ports_.store.job(environment.last_job));
  if (!deployed) return false;
  TG_TRY(const auto jobs, ports_.store.jobs(deployed->pipeline));
  const auto found = std::ranges::find_if(jobs, [&](const Job& job) {
    return job.state.name == environment.on_stop && !job.state.retried &&
           job.state.status == pipeline::JobStatus::kManual;
  });
  if (found == jobs.end()) return false;
  TG_CHECK(pipelines_.play(found->state.id));
  return true;
}

Result<EnvironmentRecord> Environments::stop(EnvironmentRecord environment, bool force) {
  if (environment.state == "stopped") return environment;
  bool playing = false;
  if (!force) {
    TG_TRY(playing, play_stop_job(environment));
  }
  environment.state = playing ? "stopping" : "stopped";
  environment.auto_stop_at.reset();
  environment.updated_at = ports_.clock.now();
  return ports_.store.put_environment(environment);
}

Status Environments::remove(const EnvironmentRecord& environment) {
  if (environment.state != "stopped")
    return fail(Errc::kConflict, "the environment is not stopped: stop it first");
  return ports_.store.remove_environment(environment.id);
}

Result<bool> Environments::is_from(const EnvironmentRecord& environment, const std::string& branch) {
  if (environment.state != "available" || environment.on_stop.empty() || !environment.last_job) return false;
  TG_TRY(const auto job, ports_.store.job(environment.last_job));
  if (!job) return false;
  TG_TRY(const auto pipeline, ports_.store.pipeline(job->pipeline));
  return pipeline && !pipeline->is_tag && pipeline->ref == branch;
}

// Source: GitLab docs "Environments", stop an environment when a branch is deleted.
void Environments::branch_gone(const Project& project, const std::string& branch) {
  const auto all = ports_.store.environments(project.id);
  if (!all) return log::error("environment", "{}", all.error().message);
  for (const EnvironmentRecord& environment : *all) {
    const auto ours = is_from(environment, branch);
    if (!ours || !*ours) continue;
    const auto stopped = stop(environment, false);
    log::info("environment", "{} is {}: its branch is gone", environment.name,
              stopped ? stopped->state : stopped.error().message);
  }
}

void Environments::stop_overdue() {
  const auto overdue = ports_.store.overdue_environments(ports_.clock.now());
  if (!overdue) return log::error("environment", "{}", overdue.error().message);
  for (const EnvironmentRecord& environment : *overdue) {
    const auto stopped = stop(environment, false);
    if (!stopped) {
      log::error("environment", "{}: {}", environment.name, stopped.error().message);
    } else {
      log::info("environment", "{} is {}: its time is over", environment.name, stopped->state);
    }
  }
}

}  // namespace tidegate::app
