// GateSettings: what a data source says about its candidates: how many at once, in which order, how
// long, with which network, and what follows a failure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "config/value.h"

namespace tidegate::config {

struct GateSettings {
  /// `network:` nothing: all jobs of candidates have the network; else only those whose names match one of
  /// these globs.
  std::optional<std::vector<std::string>> network;
  Seconds most_time{0};  ///< `limits: {time}`: of one candidate's pipeline; 0: no limit
  int in_flight = 1;     ///< versions of the source under way at once
  bool ordered = false;  ///< promoted in the order of landing with the other ordered sources of the branch
  bool diagnose = true;  ///< `on_failure:` find out whose fault it is
  Seconds longest{30 * 60};  ///< of a pipeline that is run again for that
  int per_day = 10;          ///< diagnoses
  bool retry_flaky = false;  ///< `flaky: retry`: through the gate once more
};

/// The keys of `data: <name>:` that the gate reads, from that map.
GateSettings read_gate_settings(const Value& source);

}  // namespace tidegate::config
