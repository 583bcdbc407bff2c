// Tracking: the experiment tracker's records of training runs, for lineage. Read-only.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace tidegate::app {

struct TrackedRun {
  std::string run_id;
  std::string experiment_id;
  std::string status;  ///< RUNNING, SCHEDULED, FINISHED, FAILED, KILLED
  std::map<std::string, std::string> tags;
  std::optional<Instant> start_time;
};

struct TrackedExperiment {
  std::string id;
  std::string name;
  bool deleted = false;
};

/// Blocking; one object per thread. Errors: kUnavailable (no answer), kDenied (login), kFailed (anything else
/// that the tracker refused).
class Tracking {
 public:
  virtual ~Tracking() = default;

  /// The tracker answers.
  virtual Status health() = 0;

  /// Runs of all active experiments whose tag `key` is exactly `value`, newest first; at most 1000.
  /// kInvalid when key or value cannot be a tag.
  virtual Result<std::vector<TrackedRun>> runs_with_tag(std::string_view key, std::string_view value) = 0;

  /// kNotFound when there is no such run.
  virtual Result<TrackedRun> run(std::string_view run_id) = 0;

  /// kNotFound when there is no experiment of this name.
  virtual Result<TrackedExperiment> experiment_by_name(std::string_view name) = 0;
};

}  // namespace tidegate::app
