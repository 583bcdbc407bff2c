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
#include "app/server/pipelines.h"
#include "app/server/server_ports.h"
#include "app/server/waiting.h"

namespace tidegate::app {

class Gate {
 public:
  Gate(ServerPorts& ports, Pipelines& pipelines, Deliveries& deliveries, const Sources& sources);

  /// A new version has been stored.
  void landed(const Version& version) { waiting_.landed(version); }
  /// An object landed that may be a member of a set which waits.
  void member_landed(ProjectId project, const std::string& source) {
    waiting_.member_landed(project, source);
  }
  /// Something that held the source up is gone.
  void wake(ProjectId project, const std::string& source) { waiting_.wake(project, source); }
  /// A version that waits comes to this end instead.
  void drop(const Version& version, VersionState end, std::string reason) {
    enter(version, end, std::move(reason));
  }
  /// A pipeline has reached its end: promote, take back, or for pipelines without data settle.
  void pipeline_finished(const Pipeline& pipeline);
  /// Called after main was fast-forwarded, so that tidegate.yml is read again.
  void on_promoted(std::function<void(const Project&)> callback) { on_promoted_ = std::move(callback); }
  /// Takes up every version that is not final.
  Status resume();

 private:
  void advance(VersionId id);
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

  ServerPorts& ports_;
  Waiting waiting_;
  Pipelines& pipelines_;
  Deliveries& deliveries_;
  std::function<void(const Project&)> on_promoted_;
  std::map<VersionId, int> failures_;  ///< tries of the present step that could not be made
  std::set<VersionId> busy_;           ///< versions whose step is being made just now
};

}  // namespace tidegate::app
