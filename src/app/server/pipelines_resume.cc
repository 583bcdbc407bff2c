// Pipelines after a restart.
#include "app/server/pipelines.h"

namespace tidegate::app {

using pipeline::JobStatus;

Status Pipelines::resume() {
  TG_TRY(const auto unsettled, ports_.store.unsettled_pipelines());
  for (const Pipeline& record : unsettled) {
    if (pipeline::is_completed(record.status)) {
      tell_end(record);
    } else {
      TG_CHECK(resume_one(record.id));
    }
  }
  if (!queue_.empty() && pending_) pending_();
  return {};
}

Status Pipelines::resume_one(PipelineId id) {
  TG_TRY(const Active* loaded, active(id));
  const auto jobs = loaded->state.jobs;
  // An event may end the pipeline, and with it the loaded copy: it is looked up anew for each.
  const auto send = [&](const pipeline::Event& event) -> Status {
    TG_TRY(Active * active, this->active(id));
    return apply(*active, event);
  };
  for (const pipeline::JobState& job : jobs) {
    if (job.bridge != pipeline::BridgeKind::kNone) continue;
    if (job.status == JobStatus::kRunning) TG_CHECK(send(pipeline::JobRequeued{job.id}));
    // Who asked for the cancel is gone, and so is the process it was meant for.
    if (job.status == JobStatus::kCanceling) {
      TG_CHECK(send(pipeline::JobFailed{job.id, "runner_interrupted", {}}));
    }
  }
  TG_CHECK(catch_up_bridges(id));
  TG_TRY(Active * left, active(id));
  if (pipeline::is_completed(left->record.status)) return {};
  perform(*left, pipeline::pending_effects(left->state));
  return send(pipeline::Started{});
}

}  // namespace tidegate::app
