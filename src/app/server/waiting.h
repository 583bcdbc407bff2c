// Waiting: what becomes of a version from "landed" until its bytes are here. State thread only.
//
// waiting → (quiet, complete, not pinned, nothing else of the source under way) → fetching → binding
//    └ superseded by a newer one │ skipped by hand     └ something is not as announced → waiting
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "app/server/objects.h"
#include "app/server/server_ports.h"
#include "app/server/sets.h"
#include "app/server/sources.h"
#include "dataset/coalesce.h"
#include "dataset/gate.h"

namespace tidegate::app {

class Waiting {
 public:
  /// What the gate does with a version: saves a new state and goes on; tries the step again later.
  struct Steps {
    std::function<void(Version, VersionState, std::string)> enter;
    std::function<void(const Version&, const dataset::GateEvent&)> step;
    std::function<void(const Version&, const Error&)> retry_later;
    std::function<void(VersionId)> advance;
    /// Whether the version's source may have one more under way.
    std::function<Result<bool>(const Version&)> has_room;
  };
  Waiting(ServerPorts& ports, const Sources& sources, Steps steps)
      : ports_(ports), objects_(ports), sources_(sources), steps_(std::move(steps)) {}

  /// A new version has been stored.
  void landed(const Version& version);
  /// What waits of the version's source is coalesced: one version runs, others are superseded; and none runs
  /// while as many of the source are under way as it allows, or while the source is pinned.
  void wait(const Version& version);
  /// Copies what the version is made of.
  void fetch(const Version& version);
  /// A version of the source has come to its end: the next one may go.
  void wake(ProjectId project, const std::string& source);
  /// An object landed that may be a member of a set which waits.
  void member_landed(ProjectId project, const std::string& source);

 private:
  /// A set that waits. Gone from the map when it does not wait any more.
  struct SetState {
    bool complete = false;
    bool checking = false;
    bool again = false;       ///< something landed while it was being looked at
    std::uint64_t timer = 0;  ///< of several timers only the last one counts
  };

  Result<config::DataSource> source_of(const Version& version) const;
  Result<bool> held_by_pin(const Version& version);
  Result<std::vector<dataset::PendingEvent>> pending_of(const std::vector<Version>& waiting);
  Status take(std::vector<Version>& waiting, const dataset::Coalesced& coalesced, Version& chosen);
  bool fold(std::vector<Version>& waiting, const std::vector<dataset::PendingEvent>& pending);
  void explain(Version version, const std::string& reason);
  void check(const Version& version);
  void checked(const Version& version, Result<SetCheck> result);
  void check_later(VersionId id);
  void fetch_single(const Version& version);
  void fetch_all(const Version& version, const config::DataSource& source);
  void fetched(const Version& version, Result<Version> result);

  ServerPorts& ports_;
  Objects objects_;
  const Sources& sources_;
  Steps steps_;
  std::map<VersionId, SetState> sets_;
  std::set<std::pair<ProjectId, std::string>> soon_;  ///< sources that are looked at in a moment
};

}  // namespace tidegate::app
