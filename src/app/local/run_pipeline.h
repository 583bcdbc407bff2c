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
#include "app/local/local_result.h"
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
  IdTokenIssuer* id_tokens = nullptr;   ///< must be set when the plan has jobs with `id_tokens`, or triggers
  pipeline::Context context;            ///< what the plan was made for, for child pipelines
  config::Sources sources;              ///< likewise; whoever they refer to outlives the run
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

/// Runs a plan that was created, without errors, and the child pipelines that its trigger jobs start. Delayed
/// jobs start at once and manual ones only when asked for, both with a notice; pipelines of other projects
/// are not started, which is said, and count as passed. `cancel` ends it gracefully: running jobs get their
/// after_script. Errors come before anything has run: those of choose_jobs, and kEnvironment (docker was
/// asked for and no engine answers).
Result<LocalResult> run_pipeline(const pipeline::Plan& plan, const WorkingCopy& copy,
                                 const LocalSettings& settings, LocalObserver& observer, const Clock& clock,
                                 const sys::StopFlag& cancel);

}  // namespace tidegate::app
