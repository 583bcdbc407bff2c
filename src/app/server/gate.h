// Gate: a dataset version's way from "landed" to "live" or "rejected". State thread only.
//
// What is done next is dataset::next_step's to say (the drawing is there), whose turn it is
// dataset/train.h's; this does the work of each state. Each state is stored before its work begins and each
// work may be repeated, so a restart takes up where it was.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "app/server/candidates.h"
#include "app/server/deliveries.h"
#include "app/server/diagnoses.h"
#include "app/server/pipelines.h"
#include "app/server/server_ports.h"
#include "app/server/waiting.h"
#include "dataset/gate.h"

namespace tidegate::app {

class Gate {
 public:
  Gate(ServerPorts& ports, Pipelines& pipelines, Deliveries& deliveries, const Candidates& candidates,
       const Sources& sources);

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
  /// Calls advance() later when the source's settings are not known yet.
  std::optional<config::GateSettings> settings_or_later(const Version& version);
  Result<bool> has_room(const Version& version) const;

  // --- gate_candidate.cc: from the bytes to a running pipeline
  struct Candidate {
    std::string base_sha;
    std::string sha;
  };
  void bind(Version version);
  /// Nothing: what it must be made on is not there at present.
  Result<std::optional<Candidate>> make_candidate(const Version& version, const Project& project,
                                                  const std::vector<dataset::Car>& train,
                                                  const std::optional<GateRecord>& quarantine) const;
  void bound(Version version, const Result<std::optional<Candidate>>& made);
  void test(Version version);
  void test_refused(const Version& version, const std::string& reason);
  void watch(const Version& version);
  /// Ends the version's pipeline, for a reason of ours.
  void end_pipeline(const Version& version, bool overtaken, const std::string& reason);

  // --- gate_promote.cc: from the pipeline's end to the version's
  void promote(Version version);
  Result<dataset::Turn> move_branch(const Version& version, const Project& project,
                                    dataset::Turn by_order) const;
  Result<dataset::Turn> put_on_branch(const Version& version, const Project& project,
                                      const std::vector<Delivery>& deliveries, dataset::Turn by_order) const;
  void promoted(Version version, const Project& project, const Result<dataset::Turn>& turn);
  void roll_back(Version version);
  void taken_back(Version version, const Pipeline& pipeline, const Result<std::string>& head);
  Result<dataset::TakenBack> what_was_taken_back(const Version& version, const Pipeline& pipeline,
                                                 const std::string& head) const;
  Status without_diagnosis(const Version& version, const Pipeline& pipeline, const std::string& why) const;
  void diagnose(const Version& version);
  void diagnosed(const Version& version, const GateRecord& record);
  Result<bool> is_newest(const Version& version) const;
  void settle_plain(const Pipeline& pipeline);
  std::string verdict(const Pipeline& pipeline) const;

  /// Saves what the event leads to and goes on from there; a store that fails is tried again. Nothing happens
  /// when the event says nothing in the version's state.
  void step(const Version& version, const dataset::GateEvent& event);
  void enter(Version version, VersionState state, std::string reason);
  void retry_later(const Version& version, const Error& error);
  /// Those of the branch that wait for what has changed are asked again.
  void wake_train(const Version& version);
  /// What people see while it waits for another.
  void note(const Version& version, const std::string& reason);

  ServerPorts& ports_;
  Waiting waiting_;
  Pipelines& pipelines_;
  Deliveries& deliveries_;
  const Candidates& candidates_;
  Diagnoses diagnoses_;
  std::function<void(const Project&)> on_promoted_;
  std::map<VersionId, int> failures_;  ///< tries of the present step that could not be made
  std::set<VersionId> busy_;           ///< versions whose step is being made just now
  std::set<PipelineId> timed_;         ///< pipelines with a timer for their `limits: {time}`
};

/// Whether a step that failed like this is made again.
inline bool worth_retrying(Errc code) {
  return code == Errc::kUnavailable || code == Errc::kEnvironment || code == Errc::kInternal ||
         code == Errc::kDenied;
}

}  // namespace tidegate::app
