// What becomes a lineage record, and when. State thread only; each is called in the transaction of the
// decision that it records.
#pragma once

#include "app/ports/store.h"
#include "app/server/server_ports.h"

namespace tidegate::app {

/// Saves the version; when that is the end of an attempt (final, or the candidate is made again), records it.
Status save_and_record(ServerPorts& ports, const Version& version);
/// A pipeline without new data is settled. Of a candidate's pipeline nothing is recorded: its version does
/// that.
Status record_pipeline(Store& store, const Pipeline& pipeline, Instant now);
/// A delivery has an outcome, or another than before.
Status record_delivery(Store& store, const Delivery& delivery, Instant now);
/// The tracker knows a run of a release, or was told of its data.
Status record_run(Store& store, ProjectId project, const TrainingRun& run, PipelineId pipeline, Instant now);
Status record_alias(Store& store, ProjectId project, const lineage::AliasFact& alias, PipelineId pipeline,
                    Instant now);

}  // namespace tidegate::app
