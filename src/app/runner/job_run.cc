#include "app/runner/job_run.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include <fmt/core.h>

#include "app/runner/job_artifacts.h"
#include "app/runner/job_cache.h"
#include "app/runner/job_release.h"
#include "app/runner/job_script.h"
#include "app/runner/job_secrets.h"
#include "app/runner/tree_walk.h"
#include "base/text.h"
#include "sys/file.h"

namespace tidegate::app {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view kSystemFailure = "runner_system_failure";

JobOutcome system_failure(const Error& error) {
  return {.failure_reason = std::string(kSystemFailure), .exit_code = {}, .message = error.message};
}

JobOutcome canceled_outcome() {
  return {.canceled = true, .failure_reason = "", .exit_code = {}, .message = "canceled"};
}

// Why an executor could not get ready, as the protocol calls it.
JobOutcome preparation_failure(const Error& error) {
  JobOutcome outcome = system_failure(error);
  switch (error.code) {
    case Errc::kCanceled:
      return canceled_outcome();
    case Errc::kNotFound:
    case Errc::kDenied:
    case Errc::kFailed:
      outcome.failure_reason = "image_pull_failure";
      break;
    case Errc::kInvalid:
      outcome.failure_reason = "runner_configuration_error";
      break;
    case Errc::kConflict:
    case Errc::kUnavailable:
    case Errc::kEnvironment:
    case Errc::kInternal:
      break;
  }
  return outcome;
}

pipeline::JobVariable runner_variable(std::string key, std::string value) {
  return {.key = std::move(key), .value = std::move(value), .raw = true};
}

}  // namespace

JobRun::JobRun(const pipeline::JobMessage& message, const RunnerSettings& settings, Executor& executor,
               JobIo& io, const Clock& clock, const sys::StopFlag& cancel)
    : original_(message),
      settings_(settings),
      executor_(executor),
      io_(io),
      clock_(clock),
      cancel_(cancel),
      deadline_(clock.now() + message.timeout),
      log_(io, clock, secrets_of(message), {.limit = settings.log_limit}) {}

JobOutcome JobRun::run() {
  log_.line(settings_.version.empty() ? "Running with tidegate"
                                      : "Running with tidegate " + settings_.version);
  log_.line(fmt::format("  on {}", settings_.name));
  JobOutcome outcome = run_phases();
  log_.end_section();
  say_result(outcome);
  if (const Status kept = log_.finish(); !kept && outcome.success) {
    outcome = system_failure(with_context("the end of the job's log could not be kept", kept.error()));
  }
  return outcome;
}

JobOutcome JobRun::refuse(const Error& why) {
  JobOutcome outcome = system_failure(why);
  outcome.failure_reason = "runner_configuration_error";
  say_result(outcome);
  static_cast<void>(log_.finish());  // it has failed already
  return outcome;
}

JobOutcome JobRun::run_phases() {
  log_.start_section("prepare_executor", fmt::format("Preparing the \"{}\" executor", executor_.name()));
  Result<JobFolders> folders = JobFolders::make(settings_.work_directory, original_);
  if (!folders) return system_failure(folders.error());
  JobOutcome outcome = run_prepared(*folders);
  log_.start_section("cleanup_file_variables", "Cleaning up project directory and file based variables");
  environment_.reset();
  if (const Status removed = folders->remove(); !removed) log_.warning(removed.error().message);
  return outcome;
}

JobOutcome JobRun::run_prepared(JobFolders& folders) {
  if (auto ended = prepare(folders)) return *ended;
  JobContext job{message_, settings_, io_, log_, folders.project(), project_inside_, folders.scratch(), {}};
  if (auto ended = get_ready(job)) return *ended;
  JobOutcome outcome = run_steps();
  if (outcome.success && message_.release) outcome = release(job);
  run_after_script(outcome);
  save_results(job, outcome);
  return outcome;
}

std::optional<JobOutcome> JobRun::prepare(const JobFolders& folders) {
  project_inside_ = folders.project().native();
  if (executor_.own_file_system()) {
    project_inside_ = "/builds/" + fs::relative(folders.project(), folders.builds()).native();
  }
  Result<JobMounts> mounts = make_mounts(folders);
  if (!mounts) return system_failure(mounts.error());
  add_runner_variables(folders);
  for (const auto& [key, value] : mounts->environment) variables_.environment[key] = value;
  for (const std::string& warning : variables_.warnings) log_.warning(warning);
  if (const Status written = write_file_variables(folders); !written) return system_failure(written.error());
  message_ = expand_message(original_, variables_.environment);
  prepare_caches(message_, variables_.environment);
  if (message_.image) variables_.environment["CI_JOB_IMAGE"] = message_.image->name;
  space_ = {folders.project(), project_inside_, folders.scratch(), std::move(mounts->mounts)};
  auto environment =
      executor_.prepare(message_, space_, [this](std::string_view text) { log_.output(text); }, cancel_);
  if (!environment) {
    log_.error(fmt::format("Preparation failed: {}", environment.error().message));
    return preparation_failure(environment.error());
  }
  environment_ = std::move(*environment);
  return canceled_now();
}

Result<JobMounts> JobRun::make_mounts(const JobFolders& folders) {
  const bool own = executor_.own_file_system();
  TG_TRY(JobMounts data, mount_data(original_.data, own, folders.scratch()));
  std::string path;
  for (const auto& variable : original_.variables) {
    if (variable.key == "PATH") path = variable.value;
  }
  if (path.empty()) {
    const char* ours = std::getenv("PATH");  // NOLINT(concurrency-mt-unsafe): never set after the start
    path = ours == nullptr ? "/usr/local/bin:/usr/bin:/bin" : ours;
  }
  TG_TRY(JobMounts client, mount_client(settings_, own, folders.scratch(), path));
  JobMounts all{settings_.mounts, std::move(data.environment)};
  all.environment.merge(client.environment);
  all.mounts.insert(all.mounts.end(), data.mounts.begin(), data.mounts.end());
  all.mounts.insert(all.mounts.end(), client.mounts.begin(), client.mounts.end());
  if (own) all.mounts.push_back({folders.file_variables(), project_inside_ + ".tmp", false});
  return all;
}

void JobRun::add_runner_variables(const JobFolders& folders) {
  pipeline::JobVariables all;
  for (const auto& [key, value] : settings_.environment) all.push_back(runner_variable(key, value));
  all.insert(all.end(), original_.variables.begin(), original_.variables.end());
  const bool own = executor_.own_file_system();
  const std::string timeout = std::to_string(original_.timeout.count());
  const std::pair<const char*, std::string> ours[] = {
      {"CI_BUILDS_DIR", own ? "/builds" : folders.builds().native()},
      {"CI_PROJECT_DIR", project_inside_},
      {"CI_CONCURRENT_ID", "0"},
      {"CI_CONCURRENT_PROJECT_ID", "0"},
      {"CI_SERVER", "yes"},
      {"CI_JOB_STATUS", "running"},
      {"CI_JOB_TIMEOUT", timeout},
      {own ? "CI_DISPOSABLE_ENVIRONMENT" : "CI_SHARED_ENVIRONMENT", "true"},
      {"CI_RUNNER_DESCRIPTION", settings_.name},
      {"CI_RUNNER_VERSION", settings_.version},
      {"CI_RUNNER_TAGS", join(settings_.tags.value_or(original_.tags), ", ")},
      {"CI_RUNNER_EXECUTABLE_ARCH", "linux/amd64"},
  };
  for (const auto& [key, value] : ours) all.push_back(runner_variable(key, value));
  variables_ = resolve_variables(all, project_inside_ + ".tmp");
}

Status JobRun::write_file_variables(const JobFolders& folders) {
  for (const FileVariable& file : variables_.files) {
    TG_CHECK(sys::write_file(folders.file_variables() / file.key, file.content, 0600));
  }
  return {};
}

std::optional<JobOutcome> JobRun::get_ready(JobContext& job) {
  if (auto ended = run_hook(job, "pre_get_sources_script")) return ended;
  log_.start_section("get_sources", "Getting source from Git repository");
  if (const Status got = get_sources(job); !got) {
    log_.error(got.error().message);
    return system_failure(with_context("getting the sources", got.error()));
  }
  if (has_cache_to_restore(message_)) {
    log_.start_section("restore_cache", "Restoring cache");
    restore_caches(job);
  }
  const bool any = std::ranges::any_of(message_.dependencies, &pipeline::JobDependency::has_artifacts);
  if (any) {
    log_.start_section("download_artifacts", "Downloading artifacts");
    if (const Status got = download_artifacts(job); !got) {
      log_.error(got.error().message);
      return system_failure(with_context("downloading artifacts", got.error()));
    }
  }
  return canceled_now();
}

Status JobRun::get_sources(JobContext& job) {
  const std::string strategy = variable("GIT_STRATEGY");
  if (strategy == "none" || strategy == "empty") {
    log_.notice(strategy == "none" ? "Skipping Git repository setup" : "Leaving the project folder empty");
    return {};
  }
  if (!strategy.empty() && strategy != "clone" && strategy != "fetch") {
    return fail(Errc::kInvalid,
                fmt::format("GIT_STRATEGY \"{}\" is none of clone, fetch, none, empty", printable(strategy)));
  }
  const std::string submodules = variable("GIT_SUBMODULE_STRATEGY");
  if (!submodules.empty() && submodules != "none") {
    log_.warning("GIT_SUBMODULE_STRATEGY has no effect here: submodules are not fetched");
  }
  TG_CHECK(io_.get_sources(message_, job.project));
  if (message_.git.sha.empty()) {
    log_.notice("Copied the project folder");
  } else {
    log_.notice(fmt::format("Checked out {} as detached HEAD (ref is {})", message_.git.sha.substr(0, 8),
                            printable(message_.git.ref)));
  }
  const bool untracked = std::ranges::any_of(message_.artifacts, &pipeline::JobArtifacts::untracked) ||
                         std::ranges::any_of(message_.cache, &pipeline::JobCache::untracked);
  if (!untracked) return {};
  TG_TRY(std::vector<std::string> paths, list_tree(job.project));
  job.tracked.insert(paths.begin(), paths.end());
  return {};
}

// What a hook leaves in the project folder goes, for the sources are put into an empty one.
std::optional<JobOutcome> JobRun::run_hook(JobContext& job, const std::string& name) {
  for (const pipeline::JobHook& hook : message_.hooks) {
    if (hook.name != name || hook.script.empty()) continue;
    log_.start_section(name, fmt::format("Executing \"{}\" hook", name));
    JobOutcome ended = run_step({.name = name, .script = hook.script, .timeout = message_.timeout});
    if (!ended.success) return ended;
    std::error_code error;
    std::vector<fs::path> left;
    for (const auto& entry : fs::directory_iterator(job.project, error)) left.push_back(entry.path());
    for (const fs::path& path : left)
      if (const Status removed = sys::remove_tree(path); !removed) return system_failure(removed.error());
  }
  return canceled_now();
}

JobOutcome JobRun::release(JobContext& job) {
  log_.start_section("release", "Creating the release");
  Result<config::Release> release = expand_release(job, variables_.environment);
  const Result<std::string> made =
      release ? io_.create_release(message_, *release) : Result<std::string>(release.error());
  if (made) {
    log_.line(*made);
    return {.success = true, .failure_reason = "", .exit_code = 0, .message = ""};
  }
  log_.error(made.error().message);
  if (made.error().code == Errc::kUnavailable) return system_failure(made.error());
  return {.failure_reason = "script_failure",
          .exit_code = 1,
          .message = fmt::format("the release was not made: {}", made.error().message)};
}

JobOutcome JobRun::run_steps() {
  JobOutcome outcome{.success = true, .failure_reason = "", .exit_code = {}, .message = ""};
  for (const pipeline::JobStep& step : message_.steps) {
    if (step.name == "after_script") continue;
    const std::string name = step.name == "script" ? "step_script" : "step_" + step.name;
    log_.start_section(name, fmt::format("Executing \"{}\" stage of the job script", name));
    JobOutcome one = run_step(step);
    if (one.success || (step.allow_failure && !one.canceled)) continue;
    return one;
  }
  return outcome;
}

JobOutcome JobRun::run_step(const pipeline::JobStep& step) {
  const Millis timeout = std::min<Millis>(time_left(), step.timeout);
  const Result<ScriptExit> ended = environment_->run(
      make_script(step.script), variables_.environment, timeout,
      [this](std::string_view bytes) { log_.output(bytes); }, cancel_);
  if (!ended) return system_failure(ended.error());
  if (ended->canceled) return canceled_outcome();
  if (ended->timed_out) {
    return {.failure_reason = "job_execution_timeout",
            .exit_code = {},
            .message = fmt::format("execution took longer than {}", format_duration(timeout))};
  }
  if (ended->exit_code != 0) {
    return {.failure_reason = "script_failure",
            .exit_code = ended->exit_code,
            .message = fmt::format("exit code {}", ended->exit_code)};
  }
  return {.success = true, .failure_reason = "", .exit_code = 0, .message = ""};
}

void JobRun::run_after_script(const JobOutcome& outcome) {
  for (const pipeline::JobStep& step : message_.steps) {
    if (step.name != "after_script" || step.script.empty()) continue;
    log_.start_section("after_script", "Running after_script");
    auto variables = variables_.environment;
    variables["CI_JOB_STATUS"] = outcome.success ? "success" : outcome.canceled ? "canceled" : "failed";
    const sys::StopFlag never;  // a canceled job still cleans up after itself
    const Result<ScriptExit> ended = environment_->run(
        make_script(step.script), variables, settings_.after_script_timeout,
        [this](std::string_view bytes) { log_.output(bytes); }, never);
    if (!ended) {
      log_.warning(fmt::format("after_script: {}", ended.error().message));
    } else if (ended->timed_out) {
      log_.warning(fmt::format("after_script took longer than {} and was ended",
                               format_duration(settings_.after_script_timeout)));
    } else if (ended->exit_code != 0) {
      log_.warning(fmt::format("after_script failed (exit code {}), but the job goes on unaffected",
                               ended->exit_code));
    }
  }
}

void JobRun::save_results(JobContext& job, JobOutcome& outcome) {
  const std::string_view how = outcome.success ? "successful" : "failed";
  const std::string_view suffix = outcome.success ? "" : "_on_failure";
  if (has_cache_to_save(message_, outcome.success)) {
    log_.start_section(fmt::format("archive_cache{}", suffix), fmt::format("Saving cache for {} job", how));
    save_caches(job, outcome.success);
  }
  const bool any = std::ranges::any_of(
      message_.artifacts, [&](const auto& artifacts) { return applies(artifacts.when, outcome.success); });
  if (!any) return;
  log_.start_section(outcome.success ? "upload_artifacts_on_success" : "upload_artifacts_on_failure",
                     fmt::format("Uploading artifacts for {} job", how));
  const Status uploaded = upload_artifacts(job, outcome.success);
  if (!uploaded && outcome.success) {
    outcome = system_failure(with_context("uploading artifacts", uploaded.error()));
  }
}

void JobRun::say_result(const JobOutcome& outcome) {
  if (outcome.success) {
    log_.notice("Job succeeded");
  } else if (outcome.failure_reason == "script_failure" ||
             outcome.failure_reason == "job_execution_timeout" || outcome.canceled) {
    log_.error(fmt::format("Job failed: {}", outcome.message));
  } else {
    log_.error(fmt::format("Job failed (system failure): {}", outcome.message));
  }
}

std::optional<JobOutcome> JobRun::canceled_now() const {
  if (cancel_.stop_requested()) return canceled_outcome();
  if (time_left() > Millis{0}) return std::nullopt;
  return JobOutcome{
      .failure_reason = "job_execution_timeout",
      .exit_code = {},
      .message = fmt::format("execution took longer than {}", format_duration(original_.timeout))};
}

Millis JobRun::time_left() const {
  return std::max(deadline_ - clock_.now(), Millis{0});
}

std::string JobRun::variable(const std::string& key) const {
  const auto found = variables_.environment.find(key);
  return found == variables_.environment.end() ? std::string() : found->second;
}

JobOutcome run_job(const pipeline::JobMessage& message, const RunnerSettings& settings, Executor& executor,
                   JobIo& io, const Clock& clock, const sys::StopFlag& cancel) {
  if (message.secrets.empty()) return JobRun(message, settings, executor, io, clock, cancel).run();
  auto secrets = read_secrets(message, settings);
  if (!secrets) return JobRun(message, settings, executor, io, clock, cancel).refuse(secrets.error());
  pipeline::JobMessage complete = message;
  complete.variables.insert(complete.variables.end(), secrets->begin(), secrets->end());
  return JobRun(complete, settings, executor, io, clock, cancel).run();
}

}  // namespace tidegate::app
