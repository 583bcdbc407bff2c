// GateRecord: what the gate has to remember of a dataset version beside its state.
#pragma once

#include <array>
#include <optional>
#include <string>

#include "base/id.h"
#include "base/time.h"
#include "dataset/diagnosis.h"

namespace tidegate::app {

/// Pipeline::source of what runs for a diagnosis.
inline constexpr const char* kProbeSource = "probe";

/// One probe of a diagnosis.
struct ProbeRecord {
  PipelineId pipeline;  ///< 0: not made
  dataset::ProbeResult result = dataset::ProbeResult::kNotRun;
  std::string reason;  ///< why it cannot tell
};

/// What the gate has to remember of a version beside its state. Most versions have none.
struct GateRecord {
  VersionId version;
  ProjectId project;
  std::string source;
  PipelineId ended;        ///< the pipeline that the gate itself has ended
  bool overtaken = false;  ///< it ended it because the candidate could not be promoted any more
  std::string ended_why;
  std::optional<Instant> diagnosed_at;  ///< when the diagnosis began
  dataset::OldCode old_code = dataset::OldCode::kNone;
  std::string old_code_sha;
  std::array<ProbeRecord, dataset::kProbes> probes;  ///< by dataset::Probe
  std::string verdict;                               ///< in words; empty: none yet
  std::string verdict_reason;
  bool quarantined = false;  ///< these bytes are refused as long as the code is what it was
  std::string sha256;        ///< of the bytes
  std::string base_sha;      ///< the code
};

}  // namespace tidegate::app
