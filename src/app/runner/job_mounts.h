// What a job sees of this machine beside its project folder: dataset objects and the `tidegate` client.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "app/ports/executor.h"
#include "app/runner/run_job.h"
#include "base/result.h"
#include "pipeline/job_message.h"

namespace tidegate::app {

struct JobMounts {
  std::vector<Mount> mounts;
  std::map<std::string, std::string> environment;
};

/// Verifies each object's SHA-256 and shows it read-only at /tidegate/data/<source>/<name>, with
/// TIDEGATE_DATA_<SOURCE> naming that path and TIDEGATE_DATA_<SOURCE>_URI what the code names (of several
/// objects of one source: the last). A set is a folder with its files. Where the executor has no file system
/// of its own the job gets a copy in `scratch`, so that it cannot change the store's. kFailed: an object is
/// not what it was when it was taken in; kNotFound: its file is gone.
Result<JobMounts> mount_data(const std::vector<pipeline::JobData>& data, bool own_file_system,
                             const std::filesystem::path& scratch);

/// Puts the client on the job's PATH and the server's socket where it looks for it; nothing when the settings
/// name none. `path` is the PATH that the job would have else (for executors without a file system of their
/// own, whose PATH is given by us).
Result<JobMounts> mount_client(const RunnerSettings& settings, bool own_file_system,
                               const std::filesystem::path& scratch, const std::string& path);

/// The last segment of a URI or key as a file name that needs no quoting in a shell: letters, digits,
/// non-ASCII text, '.', '_', '-' stay, anything else becomes '_'; never empty, hidden or an option.
std::string safe_file_name(const std::string& uri);

/// TIDEGATE_DATA_ and the source's name in upper case, anything but letters and digits as '_'.
std::string data_variable(const std::string& source);

}  // namespace tidegate::app
