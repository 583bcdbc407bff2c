// Gate: a dataset version's way from "landed" to "live" or "rejected". State thread only.
//
// waiting → fetching → binding → testing → promoting → live
//                                  │           └ main has moved → rolling_back → binding again
//                                  └ failed → rolling_back → rejected
// Each state is stored before its work begins and each work may be repeated, so a restart takes up where it
// was.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "app/server/deliveries.h"
#include "app/server/objects.h"
#include "app/server/pipelines.h"
#include "app/server/server_ports.h"
#include "dataset/coalesce.h"

namespace tidegate::app {

class Gate {
 public:
  Gate(ServerPorts& ports, Pipelines& pipelines, Deliveries& deliveries)
      : ports_(ports), objects_(ports), pipelines_(pipelines), deliveries_(deliveries) {}

  /// A new version has been stored.
  void landed(const Version& version);
  /// A pipeline has reached its end: promote, take back, or for pipelines without data settle.
  void pipeline_finished(const Pipeline& pipeline);
  /// Called after main was fast-forwarded, so that tidegate.yml is read again.
  void on_promoted(std::function<void(const Project&)> callback) { on_promoted_ = std::move(callback); }
  /// Takes up every version that is not final.
  Status resume();

 private:
  void advance(VersionId id);
  void wait(Version version);
  Result<std::vector<dataset::PendingEvent>> pending_events(const std::vector<Version>& waiting);
  void fetch(Version version);
  void bind(Version version);
  void test(Version version);
  void promote(Version version);
  void roll_back(Version version);

  struct Candidate {
    std::string base_sha;
    std::string sha;
  };
  Result<Candidate> make_candidate(const Version& version, const Project& project) const;
  Status move_branch(const Version& version, const Project& project) const;
  Status drop_candidate(const Version& version, const Project& project) const;
  void promoted(Version version, const Project& project, const Status& moved);
  Result<bool> is_stale(const Version& version, const Project& project) const;
  void taken_back(Version version, const Pipeline& pipeline, const Result<bool>& stale);
  void settle_plain(const Pipeline& pipeline);
  std::string verdict(const Pipeline& pipeline);

  /// Saves the new state and goes on from there; a store that fails is tried again.
  void enter(Version version, VersionState state, std::string reason);
  void retry_later(const Version& version, const Error& error);
  void finish_source(const Version& version);

  ServerPorts& ports_;
  Objects objects_;
  Pipelines& pipelines_;
  Deliveries& deliveries_;
  std::function<void(const Project&)> on_promoted_;
  std::map<VersionId, int> failures_;  ///< tries of the present step that could not be made
  std::set<VersionId> busy_;           ///< versions whose step is being made just now
};

}  // namespace tidegate::app
