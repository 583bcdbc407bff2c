// run_job: one job from message to outcome, on whatever executor. Used by the server's built-in runner, by
// `tidegate runner` and by `tidegate run`.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "app/ports/executor.h"
#include "app/ports/job_io.h"
#include "base/time.h"
#include "pipeline/job_message.h"

namespace tidegate::app {

struct RunnerSettings {
  std::filesystem::path work_directory;  ///< job folders live below it while they run
  /// Extra variables for every job ("environment" of a runner): package registry settings, CA bundle,
  /// proxies.
  std::map<std::string, std::string> environment;
  /// Extra mounts for every job.
  std::vector<Mount> mounts;
  /// The static `tidegate` client put on the job's PATH, and the folder that holds the server's job socket.
  /// Empty: not offered (`tidegate run`).
  std::filesystem::path client_binary;
  std::filesystem::path job_socket_directory;
  Millis after_script_timeout{5 * 60 * 1000};
  std::string name = "tidegate";              ///< CI_RUNNER_DESCRIPTION, and in the log
  std::string version;                        ///< CI_RUNNER_VERSION
  std::uint64_t log_limit = 4U << 20U;        ///< bytes of a job's own output
  std::uint64_t unpack_limit = 20ULL << 30U;  ///< bytes that one archive may unpack to
  std::filesystem::path cache_directory;      ///< empty: `work_directory`/cache
  std::uint64_t cache_limit = 20ULL << 30U;   ///< bytes of all caches; the ones longest unused go first
  /// Where `secrets:` are: `<directory>/<project path>/<NAME>`, else `<directory>/<NAME>`. Empty: none.
  std::filesystem::path secrets_directory;
  /// What this runner takes: jobs whose tags are all among these; jobs without tags too when
  /// `run_untagged`. Nothing: every job.
  std::optional<std::vector<std::string>> tags;
  bool run_untagged = true;
};

/// How a job ended. `failure_reason` is one of the Runner protocol's (runner-protocol: script_failure,
/// runner_system_failure, job_execution_timeout, image_pull_failure, …), empty on success.
struct JobOutcome {
  bool success = false;
  bool canceled = false;
  std::string failure_reason;
  std::optional<int> exit_code;
  std::string message;                            ///< one line for people
  std::optional<double> coverage = std::nullopt;  ///< found in the log
  std::string log_sha256 = {};                    ///< of the whole log, where the runner can read it
  friend bool operator==(const JobOutcome&, const JobOutcome&) = default;
};

/// The name of the server's socket in `job_socket_directory`.
inline constexpr const char* kJobSocketName = "job.sock";

/// Prepares, gets sources, downloads artifacts, runs script and after_script, uploads artifacts and reports,
/// cleans up. Everything is said in the job's log through `io`, masked across chunk borders, in GitLab's
/// sections. Blocking; `cancel` asks for GitLab's graceful cancel: the script is ended, after_script still
/// runs.
JobOutcome run_job(const pipeline::JobMessage& message, const RunnerSettings& settings, Executor& executor,
                   JobIo& io, const Clock& clock, const sys::StopFlag& cancel);

}  // namespace tidegate::app
