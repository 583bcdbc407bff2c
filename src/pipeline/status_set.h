// The set of statuses that a composite status is a function of; adding a job is one OR.
#pragma once

#include <cstdint>
#include <optional>

#include "pipeline/machine.h"

namespace tidegate::pipeline {

/// What others see of a job: a failed one whose automatic retry is on its way counts as pending.
JobStatus effective_status(const JobState& job);

class StatusSet {
 public:
  void add(const JobState& job);
  /// Nothing when the set is empty. `dag`: for the needs of one job.
  std::optional<JobStatus> composite(bool dag) const;
  StatusSet& operator|=(StatusSet other) {
    bits_ |= other.bits_;
    return *this;
  }

 private:
  static constexpr std::uint32_t kSuccessWithWarnings = 1U << 30U;
  static constexpr std::uint32_t kIgnored = 1U << 31U;

  static constexpr std::uint32_t bit(JobStatus status) { return 1U << static_cast<std::uint32_t>(status); }
  bool any(std::uint32_t of) const { return (bits_ & of) != 0; }
  bool only(std::uint32_t of) const { return (bits_ & ~of) == 0; }

  std::uint32_t bits_ = 0;
};

}  // namespace tidegate::pipeline
