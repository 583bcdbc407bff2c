// LineageStore: the part of the store that keeps what was decided, and what the experiment tracker was told.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/id.h"
#include "base/result.h"
#include "base/time.h"
#include "lineage/record.h"

namespace tidegate::app {

/// A run of the experiment tracker that a release made.
struct TrainingRun {
  std::string run_id;
  std::string experiment_id;
  std::string delivery;  ///< Delivery::key
  std::string release;
  bool input_logged = false;  ///< the tracker was told of the release's data
  Instant seen_at{};
  friend bool operator==(const TrainingRun&, const TrainingRun&) = default;
};

/// Model versions that the aliases of a registered model were set to by us; empty: not set.
struct ModelAliases {
  std::string champion;
  std::string previous;
  friend bool operator==(const ModelAliases&, const ModelAliases&) = default;
};

/// As Store: on the state thread only, and within its transactions.
class LineageStore {
 public:
  virtual ~LineageStore() = default;

  /// The end of the project's chain.
  virtual Result<lineage::Link> lineage_head(ProjectId project) = 0;
  /// kConflict: the chain has a record of this number. Nothing changes or removes a record.
  virtual Status add_lineage(ProjectId project, const lineage::Entry& entry,
                             const std::vector<lineage::Name>& names) = 0;
  /// In order, those after `number`.
  virtual Result<std::vector<lineage::Entry>> lineage_after(ProjectId project, std::int64_t number,
                                                            std::int64_t limit) = 0;
  /// In order, at most 1000: those that have this name, or a digest that begins with it (at least 7 digits).
  virtual Result<std::vector<lineage::Entry>> lineage_named(ProjectId project, const std::string& what) = 0;
  virtual Result<std::vector<lineage::Entry>> lineage_of(ProjectId project, PipelineId pipeline) = 0;

  /// In the order in which they were seen.
  virtual Result<std::vector<TrainingRun>> training_runs(ProjectId project, const std::string& release) = 0;
  /// By project and run: updated when it is there, else added.
  virtual Status put_training_run(ProjectId project, const TrainingRun& run) = 0;
  virtual Result<ModelAliases> model_aliases(ProjectId project, const std::string& target,
                                             const std::string& model) = 0;
  virtual Status put_model_aliases(ProjectId project, const std::string& target, const std::string& model,
                                   const ModelAliases& aliases) = 0;
};

}  // namespace tidegate::app
