// The pipelines of one local run: the one that was asked for and the child pipelines that its bridges start.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "app/local/job_selection.h"
#include "app/local/local_result.h"
#include "base/result.h"
#include "base/time.h"
#include "pipeline/machine.h"
#include "pipeline/plan.h"

namespace tidegate::app {

struct LocalPipeline {
  std::int64_t id = 1;  ///< CI_PIPELINE_ID
  LocalPipeline* parent = nullptr;
  Instant created_at{};
  JobId bridge;  ///< of the parent, that started it
  std::size_t depth = 0;
  std::string within;  ///< as in LocalJob
  std::shared_ptr<const pipeline::Plan> plan;
  pipeline::Context context;
  ChosenJobs chosen;
  pipeline::State state;
};

/// Owns all pipelines of a run; ids of jobs are unique among them. Only for the one thread that decides.
class LocalFamily {
 public:
  /// `artifacts`: where LocalJobIo keeps them.
  explicit LocalFamily(std::filesystem::path artifacts) : artifacts_(std::move(artifacts)) {}

  LocalPipeline& add_root(const pipeline::Plan& plan, ChosenJobs chosen, pipeline::Context context,
                          Instant now);
  /// All jobs of the plan are run.
  LocalPipeline& add_child(LocalPipeline& parent, JobId bridge, pipeline::Plan plan,
                           pipeline::Context context, Instant now);
  /// A new id for another attempt of the job.
  JobId again(JobId job);

  std::deque<LocalPipeline>& pipelines() { return pipelines_; }
  LocalPipeline& pipeline_of(JobId job) { return *slots_.at(job).pipeline; }
  const pipeline::PlannedJob& planned(JobId job) const { return *slots_.at(job).planned; }
  const pipeline::JobState& state(JobId job) const;
  LocalJob& job(JobId id) { return jobs_[slots_.at(id).place]; }
  /// The pipeline that the bridge has started; nullptr when there is none.
  LocalPipeline* started_by(JobId bridge);
  /// Whose turn it is in a resource group, which all pipelines of the run share; nothing for no group.
  std::optional<JobId> next_holder(const std::string& group) const;
  /// Every job of every pipeline; those of a child follow when it is added.
  std::vector<LocalJob> jobs() const { return {jobs_.begin(), jobs_.end()}; }
  /// Those of one pipeline, in the plan's order.
  std::vector<LocalJob> jobs_of(const LocalPipeline& pipeline) const;

  /// The job's message with ids, dependencies (those elsewhere too, where they are in this family) and what
  /// those reported; `missing` says what it goes without. kNotFound: artifacts that a child wants of a
  /// pipeline above are not there.
  struct Completed {
    pipeline::JobMessage message;
    pipeline::JobVariables reported;  ///< also in the message
    std::vector<std::string> missing;
  };
  Result<Completed> message(JobId job) const;

  /// A file of the artifacts of a job of this pipeline, as it is in the archive.
  Result<std::string> artifact(const LocalPipeline& pipeline, const std::string& job,
                               const std::string& path) const;

 private:
  // Several attempts of a job share a place.
  struct Slot {
    LocalPipeline* pipeline;
    const pipeline::PlannedJob* planned;
    std::size_t place;
  };

  LocalPipeline& add(LocalPipeline made);
  JobId add_job(LocalPipeline& pipeline, const pipeline::PlannedJob& planned);
  Status add_elsewhere(const LocalPipeline& own, const pipeline::JobElsewhere& wanted, Completed& out) const;
  void complete(const pipeline::JobState& giver, pipeline::JobDependency& dependency, Completed& out) const;
  std::filesystem::path archive_of(JobId job) const;

  std::filesystem::path artifacts_;
  std::deque<LocalPipeline> pipelines_;
  std::map<JobId, Slot> slots_;
  std::deque<LocalJob> jobs_;  // references to them stay good when a child is added
  std::int64_t next_job_ = 1;
};

}  // namespace tidegate::app
