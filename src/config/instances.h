// Instances: the jobs that `parallel` makes of one job, their names and variables, and which of them a need
// means. Source: GitLab CI/CD YAML reference, parallel, parallel:matrix, needs:parallel:matrix and "Matrix
// expressions"; lib/gitlab/ci/config/normalizer.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "config/definition.h"

namespace tidegate::config {

/// GitLab's limit for one job.
inline constexpr std::size_t kMaxParallel = 200;
/// Ours, for all jobs of a configuration that have `parallel`: against a small text that asks for a huge
/// result.
inline constexpr std::size_t kMaxInstances = 20'000;

/// How many instances it asks for; more than kMaxParallel: at least that many.
std::size_t instance_count(const Parallel& parallel);

/// A job as a pipeline has it.
struct Instance {
  const Job* job = nullptr;
  std::string name;     ///< "rspec", "rspec 1/3", "rspec: [a, b]"
  int index = 0;        ///< CI_NODE_INDEX, from 1; 0: the job has no `parallel`
  int total = 1;        ///< CI_NODE_TOTAL
  Variables variables;  ///< of its cell of the matrix
};

/// The instances of a definition's jobs. Views into the definition, which must outlive it, unchanged.
class Instances {
 public:
  /// The caller has checked that there are at most kMaxInstances.
  explicit Instances(const Definition& definition);
  Instances(const Instances&) = delete;
  Instances& operator=(const Instances&) = delete;

  /// In the order of the file; of those with equal names (equal rows of a matrix) only the last, at the place
  /// of the first.
  const std::vector<Instance>& all() const { return all_; }
  const Instance* find(std::string_view name) const;
  /// Those of one job by its own name; for a job without `parallel` itself. Empty: no such job, or none left.
  std::span<const std::size_t> of(std::string_view job) const;

  /// The names that an entry of a job's `needs` means for this instance: of a parallel job all instances, or
  /// those of needs:parallel:matrix; else the name as it stands. They need not exist. `$[[ matrix.KEY ]]`
  /// becomes the instance's value; an error (kInvalid) when its matrix has no such key.
  Result<std::vector<std::string>> needed(const Need& need, const Instance& by) const;
  /// The same for `dependencies`: a parallel job's name stands for all its instances.
  std::vector<std::string> depended(const std::vector<std::string>& names) const;

 private:
  void add(Instance instance);

  std::vector<Instance> all_;  ///< reserved at once: the names below point into it
  std::unordered_map<std::string_view, std::size_t> by_name_;
  std::unordered_map<std::string_view, std::vector<std::size_t>> by_job_;
};

/// Whether any text of the need holds a matrix expression.
bool has_matrix_expression(const Need& need);

}  // namespace tidegate::config
