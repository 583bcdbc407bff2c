// Variables: lookup by precedence, references in texts, and the expansion of variables into each other.
// Source: GitLab docs "Where variables can be used"; lib/gitlab/ci/variables/collection.rb,
// expand_variables.rb.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "config/definition.h"
#include "pipeline/job_message.h"

namespace tidegate::pipeline {

/// Variables by name; the strongest (last) one of a name counts. Holds views: the list, and the indexes that
/// rank above and below it, must outlive it, unchanged.
class VariableIndex {
 public:
  VariableIndex() = default;
  explicit VariableIndex(const JobVariables& variables, const VariableIndex* stronger = nullptr,
                         const VariableIndex* weaker = nullptr);

  /// nullptr when there is no such variable.
  const JobVariable* find(std::string_view key) const;
  /// All of a name in the list itself, weakest first.
  void add_all(std::string_view key, std::vector<const JobVariable*>& out) const;

 private:
  std::vector<const JobVariable*> by_key_;  ///< sorted; of one name the weakest first
  const VariableIndex* stronger_ = nullptr;
  const VariableIndex* weaker_ = nullptr;
};

/// What becomes of a reference to a name that has no value.
enum class Undefined : std::uint8_t {
  kKeep,   ///< it stays as written
  kBlank,  ///< nothing takes its place
};

/// Puts values in the place of $name, ${name} and %name%, once: values are not looked into again. So give an
/// index over variables that are expanded already. A text grows to 1 MiB at most; references beyond that
/// stay.
std::string expand_text(std::string_view text, const VariableIndex& variables, Undefined undefined);

/// The same for a text that a runner will expand once more: a reference to a file variable, or to a raw one
/// that holds a reference, stays as written, and so do undefined names and `$$`.
std::string expand_for_runner(std::string_view text, const VariableIndex& variables);

/// True when the text may hold a reference.
bool has_reference(std::string_view text);
/// True when the value is to be expanded: it may hold a reference, and is not raw.
bool is_expanded(const JobVariable& variable);
/// Calls `see` with each name that the text mentions; `$$` and `%%` are none, but give an empty name.
void for_each_name(std::string_view text, const std::function<void(std::string_view)>& see);

/// For whom variables are expanded.
enum class ExpandFor : std::uint8_t {
  kServer,  ///< to decide here: undefined names become blank, raw and file variables are inserted
  kRunner,  ///< to be sent: undefined names, raw and file references stay, for the runner expands once more
};

/// Expands variables into each other, in order of dependency; `$$` and `%%` stay. The answer has the order of
/// the input, and a name may be there several times: a reference inside a value means the strongest variable
/// of that name other than itself. An error (kInvalid) names a cycle, or a variable whose value grows beyond
/// 1 MiB (8 MiB for all, with the `beside` bytes of values that are left alone).
Result<JobVariables> expand_variables(JobVariables variables, ExpandFor purpose, std::size_t beside = 0);

/// `stronger` over `weaker`, by name: values replaced in place, new names at the end.
void merge_variables(config::Variables& weaker, const config::Variables& stronger);

/// Puts variables of a dotenv report where they rank: above those of the job and of the file, below those of
/// the project and of the pipeline. A report that is added later outranks an earlier one. Source: GitLab docs
/// "CI/CD variable precedence".
void add_report_variables(JobMessage& message, JobVariables report);

/// YAML variables as a runner gets them; `expand: false` becomes raw.
JobVariables to_job_variables(const config::Variables& variables);

}  // namespace tidegate::pipeline
