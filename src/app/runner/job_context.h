// What the phases of one job share.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <unordered_set>

#include "app/ports/job_io.h"
#include "app/runner/job_log.h"
#include "app/runner/run_job.h"
#include "pipeline/job_message.h"

namespace tidegate::app {

struct JobContext {
  const pipeline::JobMessage& message;  ///< names and paths expanded
  const RunnerSettings& settings;
  JobIo& io;
  JobLog& log;
  std::filesystem::path project;  ///< the project folder on this machine
  std::string project_inside;     ///< the same as the job sees it
  std::filesystem::path scratch;
  /// Paths of the sources, to know what is untracked; filled by get_sources when somebody asks for it.
  std::unordered_set<std::string> tracked;
};

/// True when an entry with this `when` applies to a job that ended like this.
bool applies(const std::string& when, bool success);

}  // namespace tidegate::app
