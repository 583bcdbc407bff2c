// VariableScope: the variables of one job, seen as written and expanded, without a copy of those that all
// jobs share.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "pipeline/job_message.h"
#include "pipeline/variables.h"

namespace tidegate::pipeline {

/// Variables that many scopes have in common, weakest first: what is found once about them.
class SharedVariables {
 public:
  explicit SharedVariables(JobVariables list);
  SharedVariables(const SharedVariables&) = delete;
  SharedVariables& operator=(const SharedVariables&) = delete;

  const JobVariables& list() const { return list_; }
  const VariableIndex& index() const { return index_; }
  /// Those whose values are to be expanded.
  const std::vector<const JobVariable*>& referring() const { return referring_; }
  std::size_t bytes() const { return bytes_; }

 private:
  JobVariables list_;
  VariableIndex index_;
  std::vector<const JobVariable*> referring_;
  std::size_t bytes_ = 0;  ///< of all values
};

/// The variables that one job (or the workflow) sees; expanded when first asked for, and only those that
/// mention others or are mentioned. Not for several threads.
class VariableScope {
 public:
  explicit VariableScope(JobVariables own);
  /// `own` outranks `weaker` and is outranked by `stronger`; both must outlive the scope.
  VariableScope(const SharedVariables& weaker, JobVariables own, const SharedVariables& stronger);
  VariableScope(const VariableScope&) = delete;
  VariableScope& operator=(const VariableScope&) = delete;

  /// As written: what rules:if compares.
  const VariableIndex& plain() const { return plain_; }
  /// Expanded into each other to decide here: for globs, names, tags. An error names a cycle.
  Result<const VariableIndex*> expanded() { return expand(for_server_, ExpandFor::kServer); }
  /// Expanded for a runner.
  Result<const VariableIndex*> for_runner() { return expand(for_runner_, ExpandFor::kRunner); }
  /// All of them for a runner, weakest first.
  Result<JobVariables> list_for_runner();

 private:
  /// What expansion touches: the variables as they were, in order, and what became of them.
  struct Expanded {
    std::vector<const JobVariable*> from;
    JobVariables list;
    VariableIndex index;
  };
  Result<const VariableIndex*> expand(std::optional<Expanded>& out, ExpandFor purpose) const;
  std::vector<const JobVariable*> related() const;
  void add_named(std::string_view name, std::vector<const JobVariable*>& out) const;
  std::size_t bytes() const;
  std::size_t place_of(const JobVariable* variable) const;

  const SharedVariables* weaker_ = nullptr;
  const SharedVariables* stronger_ = nullptr;
  JobVariables own_;
  VariableIndex plain_;
  std::optional<Expanded> for_server_;
  std::optional<Expanded> for_runner_;
};

}  // namespace tidegate::pipeline
