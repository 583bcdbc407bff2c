// `tidegate run`: the pipeline of a directory, here and now, without a server.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "app/local/job_selection.h"
#include "app/local/working_copy.h"
#include "app/ports/executor.h"
#include "app/ports/id_tokens.h"
#include "app/runner/run_job.h"
#include "base/result.h"
#include "base/time.h"
#include "pipeline/machine.h"
#include "pipeline/plan.h"
#include "sys/process.h"

namespace tidegate::app {

enum class ExecutorPolicy : std::uint8_t {
  kAuto,    ///< docker for jobs that name an image or services when an engine answers, else shell, which is
            ///< said
  kDocker,  ///< docker for all
  kShell,   ///< shell for all; images and services are ignored, which is said
};

struct LocalSettings {
  /// Jobs' folders and artifacts; must be absolute, private to this run, and is the caller's to remove.
  std::filesystem::path work_directory;
  RunnerSettings runner;  ///< its work_directory is set from the above
  JobChoice choice;
  std::size_t parallel = 2;  ///< jobs at the same time
  ExecutorPolicy policy = ExecutorPolicy::kAuto;
  Executor* docker = nullptr;  ///< nullptr: no engine answers, or it is not to be used
  std::string no_docker;       ///< why not and what to do, for people
  Executor* shell = nullptr;
  std::vector<pipeline::JobData> data;  ///< dataset objects for every job
  IdTokenIssuer* id_tokens = nullptr;   ///< must be set when the plan has jobs with `id_tokens`
};

/// A job as people see it. Within a child pipeline `within` names the trigger jobs above it ("ship", "ship >
/// eu"); empty in the pipeline itself.
struct LocalJob {
  std::string name;
  std::string stage;
  std::string within;
  pipeline::JobStatus status = pipeline::JobStatus::kCreated;
  bool allow_failure = false;
  std::string executor;        ///< "docker", "shell"; empty when it did not run
  std::string failure_reason;  ///< of the Runner protocol
  std::optional<int> exit_code;
  std::string message;             ///< one line for people
  std::optional<double> coverage;  ///< what `coverage:` found in the log
  int attempts = 0;
  Millis duration{0};  ///< of the last attempt

  /// What tells it from all other jobs of the run: "ship > build".
  std::string path() const { return within.empty() ? name : within + " > " + name; }
  /// Its stage, told from the stages of other pipelines of the run.
  std::string stage_path() const { return within.empty() ? stage : within + " > " + stage; }
};

struct LocalResult {
  pipeline::JobStatus status = pipeline::JobStatus::kCreated;
  std::vector<LocalJob> jobs;  ///< in the plan's order
  Millis duration{0};

  /// Exit code 0: nothing failed that must not. Jobs that wait for somebody to start them are not a failure.
  bool good() const;
};

/// What happens, as it happens. Calls come one at a time, from several threads.
class LocalObserver {
 public:
  virtual ~LocalObserver() = default;
  /// The jobs of a pipeline that begins, in the plan's order; once more for each child pipeline.
  virtual void jobs_planned(const std::vector<LocalJob>& jobs) = 0;
  /// Once for each attempt.
  virtual void job_started(const LocalJob& job) = 0;
  /// `job` is the job's path(). `section` is GitLab's ("step_script"); empty between sections.
  virtual void job_line(const std::string& job, const std::string& section, std::string_view line) = 0;
  /// Once for each attempt.
  virtual void job_ended(const LocalJob& job) = 0;
  /// It will not run, by what is known now: skipped, canceled, or manual and not asked for.
  virtual void job_passed_over(const LocalJob& job) = 0;
  virtual void notice(std::string_view text) = 0;
};

/// Runs a plan that was created, without errors. Delayed jobs start at once and manual ones only when asked
/// for, both with a notice. `cancel` ends it gracefully: running jobs get their after_script. Errors come
/// before anything has run: those of choose_jobs, and kEnvironment (docker was asked for and no engine
/// answers).
Result<LocalResult> run_pipeline(const pipeline::Plan& plan, const WorkingCopy& copy,
                                 const LocalSettings& settings, LocalObserver& observer, const Clock& clock,
                                 const sys::StopFlag& cancel);

}  // namespace tidegate::app
