// The older way to say when a job is created: only and except.
// Source: GitLab docs "only and except", lib/gitlab/ci/build/policy.
#pragma once

#include "base/result.h"
#include "config/definition.h"
#include "pipeline/rules.h"

namespace tidegate::pipeline {

/// Keys of `only` are joined by AND, those of `except` by OR. A job with neither (and no rules, in a pipeline
/// without workflow:rules) is as with `only: [branches, tags]`. `holds` means that the job is created.
Result<Verdict> evaluate_only_except(const config::Job& job, bool default_only, Evaluator& evaluator,
                                     VariableScope& scope);

/// Whether one entry of `refs` names this pipeline: branches, tags, a source ("schedules"), a name or
/// /regex/, each with an optional "@group/project".
bool ref_matches(const std::string& pattern, const Context& context, const VariableIndex& variables);

}  // namespace tidegate::pipeline
