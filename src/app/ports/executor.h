// Executor: where a job's scripts run. The contract comes first; every executor passes the same conformance
// tests.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "pipeline/job_message.h"
#include "sys/process.h"

namespace tidegate::app {

/// A folder or file of this machine that the job sees.
struct Mount {
  std::filesystem::path host;
  std::string inside;
  bool read_only = false;
};

/// What an executor is given for one job. The folder `project_host` holds the sources; the runner works on it
/// from outside before and after the scripts, so an executor must show that very folder to the job.
struct JobSpace {
  std::filesystem::path project_host;  ///< on this machine
  std::string project_inside;          ///< CI_PROJECT_DIR as the job sees it, e.g. /builds/group/name
  std::filesystem::path scratch;       ///< for the executor's own files of this job; removed by the runner
  std::vector<Mount> mounts;           ///< data, client, sockets
};

/// How a script ended.
struct ScriptExit {
  int exit_code = 0;
  bool timed_out = false;
  bool canceled = false;
  friend bool operator==(const ScriptExit&, const ScriptExit&) = default;
};

/// Takes what a script printed, as it comes. Called with nothing, several times a second, while a script is
/// quiet, so that what was buffered can be passed on.
using OnOutput = std::function<void(std::string_view)>;

/// One job's place to run. Made by Executor::prepare, gone (containers, networks, processes) when destroyed.
class JobEnvironment {
 public:
  virtual ~JobEnvironment() = default;

  /// Runs `script` (a POSIX shell script, complete with what echoes its lines) with the variables in its
  /// environment. Output comes in order, stdout and stderr merged, on the calling thread. Blocks until it has
  /// ended, `timeout` has passed or `cancel` is requested; then everything the script started is ended too.
  /// May be called again (the after_script) whatever came before. An Error is a fault of the system, not of
  /// the script.
  virtual Result<ScriptExit> run(const std::string& script,
                                 const std::map<std::string, std::string>& variables, Millis timeout,
                                 const OnOutput& on_output, const sys::StopFlag& cancel) = 0;
};

/// Thread-safe: several jobs at once.
class Executor {
 public:
  virtual ~Executor() = default;

  /// "docker", "shell".
  virtual std::string name() const = 0;

  /// False: the job runs in this machine's own file system, so that it sees every host path under its own
  /// name, and `Mount::inside` and `read_only` have no effect.
  virtual bool own_file_system() const { return true; }

  /// Pulls images, starts services and waits for their health; says what it does through `on_output`
  /// (people's lines). kEnvironment: the machine lacks something; kNotFound, kDenied, kFailed: an image
  /// cannot be got; kUnavailable: engine down.
  virtual Result<std::unique_ptr<JobEnvironment>> prepare(const pipeline::JobMessage& message,
                                                          const JobSpace& space, const OnOutput& on_output,
                                                          const sys::StopFlag& cancel) = 0;

  /// Removes what a killed process left behind for these jobs (all of this runner's when empty).
  virtual Status remove_leftovers(const std::vector<JobId>& jobs) = 0;
};

}  // namespace tidegate::app
