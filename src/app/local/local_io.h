// LocalJobIo: a job's sources, artifacts and log when there is no server.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

#include "app/local/job_copies.h"
#include "app/ports/job_io.h"

namespace tidegate::app {

/// Artifacts live in `<artifacts>/<job id>/<type>`. One object per running job.
class LocalJobIo : public JobIo {
 public:
  LocalJobIo(JobCopies& copies, std::filesystem::path artifacts, JobId job,
             std::function<void(std::string_view)> on_trace)
      : copies_(copies), artifacts_(std::move(artifacts)), job_(job), on_trace_(std::move(on_trace)) {}

  Status append_trace(std::string_view bytes) override;
  Status get_sources(const pipeline::JobMessage& message, const std::filesystem::path& into) override;
  Status download_artifacts(const pipeline::JobDependency& dependency,
                            const std::filesystem::path& to) override;
  Result<std::string> create_release(const pipeline::JobMessage& message,
                                     const config::Release& release) override;
  Status upload_artifacts(const pipeline::JobArtifacts& artifacts, const std::filesystem::path& file,
                          const std::string& file_name) override;

 private:
  JobCopies& copies_;
  std::filesystem::path artifacts_;
  JobId job_;
  std::function<void(std::string_view)> on_trace_;
};

/// Where the artifacts of this type are kept (whether or not there are any).
std::filesystem::path artifact_file(const std::filesystem::path& artifacts, JobId job,
                                    const std::string& type);

}  // namespace tidegate::app
