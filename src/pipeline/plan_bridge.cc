// A bridge of the definition, on its way into the plan.
#include "pipeline/bridge.h"
#include "pipeline/draft.h"
#include "pipeline/variables.h"

namespace tidegate::pipeline {

void build_bridge(Draft& draft, const VariableIndex& expanded) {
  const config::Job& job = *draft.job;
  Bridge& bridge = draft.planned.bridge.emplace();
  bridge.place = job.place;
  if (!job.trigger) {
    bridge.kind = BridgeKind::kUpstream;
    bridge.strategy = config::TriggerStrategy::kMirror;
    bridge.project = expand_for_runner(job.upstream, expanded);
    return;
  }
  const config::Trigger& trigger = *job.trigger;
  bridge.kind = trigger.include.empty() ? BridgeKind::kProject : BridgeKind::kChild;
  bridge.strategy = trigger.strategy;
  bridge.project = expand_for_runner(trigger.project, expanded);
  bridge.branch = expand_for_runner(trigger.branch, expanded);
  bridge.include = trigger.include;
  bridge.inputs = trigger.inputs;
  bridge.forward_pipeline_variables = trigger.forward_pipeline_variables;
  bridge.place = trigger.place;
  if (!trigger.forward_yaml_variables) return;
  bridge.variables = to_job_variables(draft.yaml);
  for (JobVariable& variable : bridge.variables) {
    if (!variable.raw) variable.value = expand_for_runner(variable.value, expanded);
  }
}

}  // namespace tidegate::pipeline
