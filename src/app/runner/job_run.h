// JobRun: the phases of one job, in order. Behind run_job().
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "app/ports/executor.h"
#include "app/ports/job_io.h"
#include "app/runner/job_context.h"
#include "app/runner/job_log.h"
#include "app/runner/job_mounts.h"
#include "app/runner/job_variables.h"
#include "app/runner/run_job.h"

namespace tidegate::app {

/// The folders of one job below the runner's work folder; gone when this goes.
class JobFolders {
 public:
  /// Also removes what a killed runner left of the same job.
  static Result<JobFolders> make(const std::filesystem::path& work, const pipeline::JobMessage& message);
  JobFolders(JobFolders&&) = default;
  JobFolders& operator=(JobFolders&&) = delete;
  ~JobFolders();

  const std::filesystem::path& project() const { return project_; }
  const std::filesystem::path& file_variables() const { return file_variables_; }
  const std::filesystem::path& scratch() const { return scratch_; }
  const std::filesystem::path& builds() const { return builds_; }
  /// Removes everything now; says what it could not.
  Status remove();

 private:
  JobFolders() = default;
  std::filesystem::path root_, builds_, project_, file_variables_, scratch_;
};

class JobRun {
 public:
  JobRun(const pipeline::JobMessage& message, const RunnerSettings& settings, Executor& executor, JobIo& io,
         const Clock& clock, const sys::StopFlag& cancel);
  JobOutcome run();
  /// The same for a job that cannot begin: says why, in its log.
  JobOutcome refuse(const Error& why);

 private:
  JobOutcome run_phases();
  JobOutcome run_prepared(JobFolders& folders);
  std::optional<JobOutcome> prepare(const JobFolders& folders);
  Result<JobMounts> make_mounts(const JobFolders& folders);
  void add_runner_variables(const JobFolders& folders);
  Status write_file_variables(const JobFolders& folders);
  std::optional<JobOutcome> get_ready(JobContext& job);
  Status get_sources(JobContext& job);
  std::optional<JobOutcome> run_hook(JobContext& job, const std::string& name);
  JobOutcome release(JobContext& job);
  JobOutcome run_steps();
  JobOutcome run_step(const pipeline::JobStep& step);
  void run_after_script(const JobOutcome& outcome);
  void save_results(JobContext& job, JobOutcome& outcome);
  void say_result(const JobOutcome& outcome);
  std::optional<JobOutcome> canceled_now() const;
  Millis time_left() const;
  std::string variable(const std::string& key) const;

  const pipeline::JobMessage& original_;
  const RunnerSettings& settings_;
  Executor& executor_;
  JobIo& io_;
  const Clock& clock_;
  const sys::StopFlag& cancel_;
  Instant deadline_;
  JobLog log_;
  pipeline::JobMessage message_;  ///< expanded
  std::string project_inside_;
  ResolvedVariables variables_;
  JobSpace space_;
  std::unique_ptr<JobEnvironment> environment_;
};

}  // namespace tidegate::app
