// The gate's decisions: what a version does next, given what has come of its present step. Pure.
//
// waiting → fetching → binding → testing → promoting → live
//                         ↑         │          └ the branch has moved ┐
//                         │         └ failed ──→ rolling_back ←───────┘
//                         ├─ to be made again ──────┤
//                         └─ flaky ── diagnosing ←──┴──→ rejected
#pragma once

#include <optional>
#include <string>
#include <variant>

#include "dataset/version_state.h"

namespace tidegate::dataset {

/// What the gate knows of a version when it decides.
struct GateFacts {
  VersionState state = VersionState::kWaiting;
  int attempt = 0;  ///< candidates made for it
  std::string branch;
};

/// A candidate that fails because the code moved under it is made again so often.
inline constexpr int kMostAttempts = 5;
/// And one that passed, but too late, so often: it is not at fault.
inline constexpr int kMostRebases = 20;

// What has come of a state's work.

/// The bytes are there.
struct Fetched {};
/// The candidate commit is there; short names of it and of its base: the same where the data's address is in
/// a variable.
struct CandidateMade {
  std::string candidate;
  std::string base;
};
/// Fetching, binding or making the pipeline cannot succeed, however often it is tried.
struct Unusable {
  std::string reason;
};
struct PipelinePassed {};
struct PipelineFailed {
  std::string reason;
};
/// It passed, but what it was made on is not what it would be put on.
struct BranchMoved {};
/// The branch names it, `latest` too.
struct Promoted {
  std::string candidate;
  bool in_place = false;  ///< it named it before: the data's address is in a variable, not in a commit
};
/// Releases and graphs of its pipeline are back where they were.
struct TakenBack {
  bool stale = false;       ///< the candidate's base is no longer what one would be made on
  bool passed = false;      ///< its pipeline had passed
  bool canceled = false;    ///< by a person
  bool diagnose = false;    ///< the failure may be looked into
  std::string reason = {};  ///< of the failure
};
/// The failure has been looked into.
struct Diagnosed {
  bool again = false;  ///< flaky, and the source wants it to go through the gate once more
  std::string reason;
};

using GateEvent = std::variant<Fetched, CandidateMade, Unusable, PipelinePassed, PipelineFailed, BranchMoved,
                               Promoted, TakenBack, Diagnosed>;

struct GateStep {
  VersionState to = VersionState::kRejected;
  std::string reason;  ///< for people
};

/// Nothing: the event says nothing in this state (it comes late, or twice).
std::optional<GateStep> next_step(const GateFacts& facts, const GateEvent& event);

}  // namespace tidegate::dataset
