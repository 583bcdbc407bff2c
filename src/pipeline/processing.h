// Inside the machine: which jobs may start, now that something has changed.
// Source: app/services/ci/pipeline_processing.
#pragma once

#include <cstddef>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "pipeline/machine.h"
#include "pipeline/status_set.h"
#include "pipeline/transitions.h"

namespace tidegate::pipeline {

/// One pass over the pipeline: starts or skips what is `created` and ready, and sets the pipeline's status.
class Processing {
 public:
  Processing(State& state, Transitions& moves) : state_(state), moves_(moves) {}

  void run();

 private:
  using Names = std::unordered_map<std::string_view, std::size_t>;

  void update(JobState& job, StatusSet earlier_stages);
  std::vector<std::size_t> created_in_order(std::size_t begin, std::size_t end) const;
  void visit(std::size_t root, const Names& names, std::unordered_set<std::size_t>& seen,
             std::vector<std::size_t>& order) const;
  const Names& by_name();

  State& state_;
  Transitions& moves_;
  Names by_name_;
};

/// Skipped jobs that a job's new life may wake: those in later stages and those that need it, also through
/// others. Source: app/services/ci/reset_skipped_jobs_service.rb.
void reset_skipped_after(State& state, const JobState& base, Transitions& moves);

}  // namespace tidegate::pipeline
