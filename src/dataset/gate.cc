#include "dataset/gate.h"

#include <fmt/core.h>

namespace tidegate::dataset {
namespace {

using enum VersionState;

class Decide {
 public:
  explicit Decide(const GateFacts& facts) : facts_(facts) {}

  std::optional<GateStep> operator()(const Fetched& /*event*/) const {
    return in(kFetching, {kBinding, "making the candidate commit"});
  }
  std::optional<GateStep> operator()(const CandidateMade& event) const {
    return in(kBinding,
              {kTesting, event.candidate == event.base
                             ? fmt::format("candidate {} itself, with the data in a variable", event.base)
                             : fmt::format("candidate {} on {}", event.candidate, event.base)});
  }
  std::optional<GateStep> operator()(const Unusable& event) const {
    const bool may_be = facts_.state == kFetching || facts_.state == kBinding || facts_.state == kTesting;
    return may_be ? std::optional(GateStep{kRejected, event.reason}) : std::nullopt;
  }
  std::optional<GateStep> operator()(const PipelinePassed& /*event*/) const {
    return in(kTesting, {kPromoting, "all jobs passed and the releases are healthy"});
  }
  std::optional<GateStep> operator()(const PipelineFailed& event) const {
    return in(kTesting, {kRollingBack, event.reason});
  }
  std::optional<GateStep> operator()(const BranchMoved& /*event*/) const {
    return in(kPromoting,
              {kRollingBack, facts_.branch + " has moved meanwhile: the candidate is made again"});
  }
  std::optional<GateStep> operator()(const Promoted& event) const {
    return in(kPromoting,
              {kLive, event.in_place
                          ? fmt::format("{} stays at {}: its data is in a variable; only latest has moved",
                                        facts_.branch, event.candidate)
                          : fmt::format("{} was fast-forwarded to {}", facts_.branch, event.candidate)});
  }
  std::optional<GateStep> operator()(const TakenBack& event) const {
    if (facts_.state != kRollingBack) return std::nullopt;
    // What failed on an old base may be the old code's fault.
    const int most = event.passed ? kMostRebases : kMostAttempts;
    if (event.stale && !event.canceled && facts_.attempt < most)
      return GateStep{kBinding, facts_.branch + " has moved: making the candidate again on its new head"};
    if (event.passed)
      return GateStep{kRejected,
                      fmt::format("{} moved {} times while candidates were tested: put the object again "
                                  "when it is quieter",
                                  facts_.branch, facts_.attempt)};
    if (event.diagnose && !event.canceled && !event.stale) return GateStep{kDiagnosing, event.reason};
    return GateStep{kRejected, event.reason};
  }
  std::optional<GateStep> operator()(const Diagnosed& event) const {
    if (facts_.state != kDiagnosing) return std::nullopt;
    return event.again ? GateStep{kBinding, event.reason} : GateStep{kRejected, event.reason};
  }

 private:
  std::optional<GateStep> in(VersionState state, GateStep step) const {
    return facts_.state == state ? std::optional(std::move(step)) : std::nullopt;
  }

  const GateFacts& facts_;
};

}  // namespace

std::optional<GateStep> next_step(const GateFacts& facts, const GateEvent& event) {
  return std::visit(Decide(facts), event);
}

}  // namespace tidegate::dataset
