// The working copy once more for each job of a local run.
#pragma once

#include <filesystem>
#include <mutex>
#include <optional>

#include "app/local/working_copy.h"
#include "base/result.h"

namespace tidegate::app {

/// Git is asked for the history once; every job gets hard links of it. From any thread.
class JobCopies {
 public:
  /// `history`: a folder that is not there yet, private to the run and on the file system of the jobs'
  /// folders. `copy` must outlive this.
  JobCopies(const WorkingCopy& copy, std::filesystem::path history)
      : copy_(copy), history_(std::move(history)) {}

  /// Copies the files into `into` (empty), modes and symbolic links kept; with Git also the history, so that
  /// a job's `git log` works.
  Status add(const std::filesystem::path& into);

 private:
  Status clone_once();

  const WorkingCopy& copy_;
  std::filesystem::path history_;
  std::mutex mutex_;
  std::optional<Status> cloned_;
};

}  // namespace tidegate::app
