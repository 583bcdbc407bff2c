#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include <fmt/format.h>

#include "base/text.h"
#include "pipeline/draft.h"
#include "pipeline/only_except.h"
#include "pipeline/plan.h"
#include "pipeline/predefined.h"
#include "pipeline/rules.h"
#include "pipeline/variables.h"

namespace tidegate::pipeline {
namespace {

constexpr std::size_t kMaxNameLength = 255;
/// Of all jobs together. A small file can give thousands of variables to thousands of jobs.
constexpr std::size_t kMaxVariables = 500'000;

/// What a job inherits of the global variables.
config::Variables inherited(const config::Variables& global, const config::InheritVariables& inherit) {
  if (inherit.all) return global;
  const std::unordered_set<std::string_view> wanted(inherit.only.begin(), inherit.only.end());
  config::Variables out;
  for (const auto& variable : global) {
    if (wanted.contains(variable.key)) out.push_back(variable);
  }
  return out;
}

/// allow_failure of a job before its rules: manual jobs may fail unless something else is written.
config::AllowFailure default_allow_failure(const config::Job& job) {
  return job.allow_failure.value_or(
      config::AllowFailure{.value = job.when == config::When::kManual, .exit_codes = {}});
}

JobVariables joined(JobVariables weaker, const JobVariables& stronger) {
  weaker.insert(weaker.end(), stronger.begin(), stronger.end());
  return weaker;
}

class Compiler {
 public:
  Compiler(const config::Definition& definition, const Context& context, Detail detail)
      : definition_(definition),
        context_(context),
        detail_(detail),
        instances_(definition),
        evaluator_(context),
        global_(definition.variables),
        weak_(std::in_place, joined(context.predefined, pipeline_predefined(context))),
        strong_(joined(context.project, context.pipeline)) {
    for (std::size_t i = 0; i < definition.stages.size(); ++i) stages_.emplace(definition.stages[i], i);
  }

  Plan run() {
    plan_.diagnostics = check_rules(definition_);
    draft_jobs();
    if (!failed() && evaluate_workflow()) {
      for (auto& draft : drafts_) evaluate_job(draft);
      if (!failed()) resolve_needs(drafts_, instances_, plan_.diagnostics);
      if (!failed() && decide()) build_messages();
    }
    return finish();
  }

 private:
  bool failed() const { return config::has_errors(plan_.diagnostics); }

  void error(std::string code, const config::Place& place, std::string message, std::string hint = {}) {
    plan_.diagnostics.push_back({.severity = config::Severity::kError,
                                 .code = std::move(code),
                                 .message = std::move(message),
                                 .place = place,
                                 .hint = std::move(hint)});
  }

  /// GitLab's order: by stage, then by the file.
  void draft_jobs() {
    // Instances stand in one vector, so addresses have the order of the file.
    std::vector<std::pair<std::size_t, const config::Instance*>> placed;
    placed.reserve(instances_.all().size());
    for (const auto& instance : instances_.all()) {
      const config::Job& job = *instance.job;
      const auto stage = stages_.find(job.stage);
      if (stage == stages_.end()) {
        error("unknown-stage", job.place,
              fmt::format("{} job: chosen stage {} does not exist; available stages are {}",
                          printable(job.name, 100), printable(job.stage, 60),
                          printable(join(definition_.stages, ", "))));
        continue;
      }
      placed.emplace_back(stage->second, &instance);
    }
    std::ranges::sort(placed);
    plan_.jobs.resize(placed.size());  // drafts refer to them
    drafts_.reserve(placed.size());
    for (const auto& [stage, instance] : placed)
      drafts_.push_back(draft_of(*instance, stage, plan_.jobs[drafts_.size()]));
  }

  Draft draft_of(const config::Instance& instance, std::size_t stage, PlannedJob& planned) const {
    const config::Job& job = *instance.job;
    Draft draft{.job = &job, .instance = &instance, .stage = stage, .yaml = {}, .planned = planned};
    planned.name = instance.name;
    planned.written = job.name;
    planned.stage = job.stage;
    planned.place = job.place;
    planned.when = job.when;
    planned.start_in = job.start_in;
    planned.allow_failure = default_allow_failure(job);
    if (job.dependencies) planned.dependencies = instances_.depended(*job.dependencies);
    planned.retry = job.retry;
    planned.interruptible = job.interruptible.value_or(false);
    if (job.needs) draft.needs = &*job.needs;
    return draft;
  }

  /// What ranks between the predefined variables and those of the project.
  static JobVariables own_variables(JobVariables of_job, const config::Variables& yaml) {
    for (auto& variable : to_job_variables(yaml)) of_job.push_back(std::move(variable));
    return of_job;
  }

  /// A job's own variables. The environment's name may hold the others.
  Result<JobVariables> variables_of(const Draft& draft) const {
    JobVariables of_job = job_predefined(*draft.instance, draft.planned.when);
    const auto& environment = draft.job->environment;
    if (!environment) return own_variables(std::move(of_job), draft.yaml);
    std::string name = environment->name;
    if (has_reference(name)) {
      VariableScope before(*weak_, own_variables(of_job, draft.yaml), strong_);
      TG_TRY(const auto* simple, before.expanded());
      name = expand_text(name, *simple, Undefined::kBlank);
    }
    for (auto& variable : environment_predefined(*environment, name)) of_job.push_back(std::move(variable));
    return own_variables(std::move(of_job), draft.yaml);
  }

  /// False: no pipeline, or an error.
  bool evaluate_workflow() {
    const auto& workflow = definition_.workflow;
    set_auto_cancel(workflow.auto_cancel);
    if (workflow.rules) {
      VariableScope scope(*weak_, to_job_variables(global_), strong_);
      const auto outcome = evaluate_rules(*workflow.rules, "workflow:rules", evaluator_, scope);
      if (!outcome) {
        error("rule-failed", workflow.place, "workflow: " + outcome.error().message);
        return false;
      }
      if (outcome->rule == nullptr || outcome->rule->when == config::When::kNever) {
        plan_.reason = "Pipeline filtered out by workflow rules. " + outcome->reason;
        return false;
      }
      merge_variables(global_, outcome->rule->variables);
      set_auto_cancel(outcome->rule->auto_cancel);
    }
    return name_pipeline();
  }

  void set_auto_cancel(const config::AutoCancel& written) {
    auto& plan = plan_.auto_cancel;
    plan.on_new_commit = written.on_new_commit.value_or(plan.on_new_commit);
    plan.on_job_failure = written.on_job_failure.value_or(plan.on_job_failure);
  }

  bool name_pipeline() {
    if (definition_.workflow.name.empty()) return true;
    VariableScope scope(*weak_, to_job_variables(global_), strong_);
    const auto expanded = scope.expanded();
    if (!expanded) {
      error("variable-cycle", definition_.workflow.place, "workflow:name: " + expanded.error().message);
      return false;
    }
    const std::string name = expand_text(definition_.workflow.name, **expanded, Undefined::kBlank);
    plan_.name = std::string(trim(name).substr(0, kMaxNameLength));
    if (!plan_.name.empty())
      weak_.emplace(joined(weak_->list(), {{.key = "CI_PIPELINE_NAME", .value = plan_.name}}));
    return true;
  }

  void evaluate_job(Draft& draft) {
    const config::Job& job = *draft.job;
    draft.yaml = inherited(global_, job.inherit_variables);
    merge_variables(draft.yaml, job.variables);
    merge_variables(draft.yaml, draft.instance->variables);
    const bool default_only = !job.rules && !job.only && !definition_.workflow.rules;
    if (!job.rules && !job.only && !job.except && (!default_only || is_branch(context_) || context_.is_tag)) {
      draft.planned.created = true;
      draft.planned.reason = "no rules";
      return;
    }
    auto variables = variables_of(draft);
    if (!variables)
      return error("variable-cycle", job.place, draft.planned.name + ": " + variables.error().message);
    VariableScope scope(*weak_, *std::move(variables), strong_);
    const Status status =
        job.rules ? apply_rules(draft, *job.rules, scope) : apply_only_except(draft, default_only, scope);
    if (!status) {
      error("rule-failed", job.place,
            fmt::format("Failed to parse rule for {}: {}", printable(draft.planned.name, 100),
                        status.error().message));
    }
  }

  Status apply_only_except(Draft& draft, bool default_only, VariableScope& scope) {
    TG_TRY(auto verdict, evaluate_only_except(*draft.job, default_only, evaluator_, scope));
    draft.planned.created = verdict.holds;
    draft.planned.reason = std::move(verdict.why);
    return {};
  }

  Status apply_rules(Draft& draft, const std::vector<config::Rule>& rules, VariableScope& scope) {
    TG_TRY(auto outcome, evaluate_rules(rules, "rules", evaluator_, scope));
    auto& planned = draft.planned;
    planned.reason = std::move(outcome.reason);
    if (outcome.rule == nullptr) return {};
    const config::Rule& rule = *outcome.rule;
    if (rule.when) planned.when = *rule.when;
    planned.created = planned.when != config::When::kNever;
    if (rule.start_in) planned.start_in = rule.start_in;
    if (planned.when != config::When::kDelayed) planned.start_in.reset();
    if (rule.allow_failure) planned.allow_failure = *rule.allow_failure;
    if (rule.interruptible) planned.interruptible = *rule.interruptible;
    if (rule.needs) {
      draft.needs = &*rule.needs;
      draft.needs_of_rule = true;
    }
    merge_variables(draft.yaml, rule.variables);
    return {};
  }

  /// False: there is nothing to run.
  bool decide() {
    bool any = false;
    bool any_real = false;
    for (const auto& draft : drafts_) {
      if (!draft.planned.created) continue;
      any = true;
      any_real = any_real || (draft.planned.stage != ".pre" && draft.planned.stage != ".post");
    }
    if (!any) {
      plan_.reason =
          "Pipeline will not run for the selected trigger. The rules configuration prevented any jobs from "
          "being added to the pipeline.";
    } else if (!any_real) {
      plan_.reason = "Pipeline will not run: it has jobs in the stages .pre and .post only.";
    }
    return any_real;
  }

  bool has_room() {
    std::size_t variables = 0;
    for (const auto& draft : drafts_) variables += draft.planned.created ? draft.yaml.size() : 0;
    if (variables <= kMaxVariables) return true;
    error("too-many-variables", drafts_.front().planned.place,
          fmt::format("the jobs have {} variables together; at most {} are kept", variables, kMaxVariables),
          "Give variables to the jobs that use them, not to all.");
    return false;
  }

  void build_messages() {
    if (!has_room()) return;
    for (auto& draft : drafts_) {
      if (!draft.planned.created) continue;
      const Status status = build_one(draft);
      if (!status) {
        error("variable-cycle", draft.planned.place, draft.planned.name + ": " + status.error().message);
      }
    }
    if (!failed()) resolve_dependencies(drafts_, plan_.diagnostics);
    plan_.created = !failed();
  }

  Status build_one(Draft& draft) {
    TG_TRY(auto variables, variables_of(draft));
    VariableScope scope(*weak_, std::move(variables), strong_);
    TG_CHECK(outline_job(draft, scope));
    if (detail_ == Detail::kOutline) return {};
    draft.planned.message.overriding = strong_.list().size();
    return build_message(draft, scope, context_);
  }

  Plan finish() {
    if (failed()) {
      plan_.created = false;
      plan_.reason = "The configuration is refused.";
    }
    for (auto& planned : plan_.jobs) {
      if (!plan_.created) {
        if (planned.created || planned.reason.empty()) planned.reason = plan_.reason;
        planned.created = false;
      } else if (planned.created && (plan_.stages.empty() || plan_.stages.back() != planned.stage)) {
        plan_.stages.push_back(planned.stage);
      }
    }
    return std::move(plan_);
  }

  const config::Definition& definition_;
  const Context& context_;
  Detail detail_;
  config::Instances instances_;
  Evaluator evaluator_;
  config::Variables global_;             ///< with those of the workflow rule that matched
  std::optional<SharedVariables> weak_;  ///< predefined
  SharedVariables strong_;               ///< project, then pipeline
  std::unordered_map<std::string_view, std::size_t> stages_;
  std::vector<Draft> drafts_;
  Plan plan_;
};

}  // namespace

Plan compile(const config::Definition& definition, const Context& context, Detail detail) {
  return Compiler(definition, context, detail).run();
}

}  // namespace tidegate::pipeline
