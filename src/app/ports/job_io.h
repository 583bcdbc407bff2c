// JobIo: what a runner needs from whoever gave it the job (our server, a GitLab server, or the local
// directory).
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "base/result.h"
#include "pipeline/job_message.h"

namespace tidegate::app {

/// One object per running job. Called from the job's worker thread only; may block. Every call may be
/// repeated after an error and must then not double anything.
class JobIo {
 public:
  virtual ~JobIo() = default;

  /// Appends to the job's log, already masked. Durable when it returns success.
  virtual Status append_trace(std::string_view bytes) = 0;

  /// Puts the sources of `message.git.sha` into the (existing, empty) folder.
  virtual Status get_sources(const pipeline::JobMessage& message, const std::filesystem::path& into) = 0;

  /// Writes the archive of a dependency to `to`; kNotFound when it has none (any more).
  virtual Status download_artifacts(const pipeline::JobDependency& dependency,
                                    const std::filesystem::path& to) = 0;

  /// Keeps a finished archive or report. `file_name` is what a person downloads it as.
  virtual Status upload_artifacts(const pipeline::JobArtifacts& artifacts, const std::filesystem::path& file,
                                  const std::string& file_name) = 0;

  /// `release:`, after the script has passed; everything in it is expanded. What was done, for the log. The
  /// same release of the same job twice is one.
  virtual Result<std::string> create_release(const pipeline::JobMessage& message,
                                             const config::Release& release) {
    static_cast<void>(message);
    return fail(Errc::kInvalid, "releases cannot be made here: " + release.tag_name);
  }
};

}  // namespace tidegate::app
