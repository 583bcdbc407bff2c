// Tracking: the experiment tracker. Training runs are found by their tags; they are told of their data, and
// the aliases of registered models are moved. Nothing else is written.
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
  std::string status = {};  ///< RUNNING, SCHEDULED, FINISHED, FAILED, KILLED; empty: not known
  std::map<std::string, std::string> tags = {};
  std::optional<Instant> start_time = std::nullopt;
};

struct TrackedExperiment {
  std::string id;
  std::string name;
  bool deleted = false;
};

/// The data of a run, as the tracker shows it among the run's inputs.
struct TrackedInput {
  std::string name;     ///< the data source
  std::string uri;      ///< where the object is, without its version
  std::string version;  ///< of the object; empty: none
  std::string sha256;
  std::uint64_t size = 0;
};

/// A version of a registered model.
struct TrackedModelVersion {
  std::int64_t version = 0;
  std::string run_id;
  bool ready = true;
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

  /// The same input of the same run again changes nothing.
  virtual Status log_input(std::string_view run_id, const TrackedInput& input) = 0;

  /// Newest first; at most 1000. Empty when there is no such model.
  virtual Result<std::vector<TrackedModelVersion>> model_versions(std::string_view model) = 0;

  /// `version` empty: the alias is removed; success when it is not there.
  virtual Status set_alias(std::string_view model, std::string_view alias, std::string_view version) = 0;
};

}  // namespace tidegate::app
