// Diagnoses: runs what shows whose fault a failed candidate is, and says what came of it. State thread only.
//
// What is to be run next is dataset::next_probe's to say. A probe is a pipeline of its own (source "probe")
// with nothing but the failed jobs and those they wait for; it delivers nothing. Every step is stored, so a
// restart goes on.
#pragma once

#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "app/server/candidates.h"
#include "app/server/pipelines.h"
#include "app/server/server_ports.h"

namespace tidegate::app {

class Diagnoses {
 public:
  Diagnoses(ServerPorts& ports, Pipelines& pipelines, const Candidates& candidates)
      : ports_(ports), pipelines_(pipelines), candidates_(candidates) {}

  using OnDone = std::function<void(const Version&, const GateRecord&)>;
  using OnTrouble = std::function<void(const Version&, const Error&)>;
  /// Called when all is known: the record has verdict and reason, and is stored.
  void on_done(OnDone callback) { done_ = std::move(callback); }
  /// Called when a step could not be made: go_on() is to be called again later.
  void on_trouble(OnTrouble callback) { trouble_ = std::move(callback); }

  /// Why the failure of this pipeline is not looked into; nothing: it is.
  Result<std::optional<std::string>> why_not(const Version& version, const Pipeline& failed) const;

  /// The version is in state diagnosing: makes the next step, unless one is being made.
  void go_on(const Version& version);

  /// A pipeline of source "probe" has ended: takes its result, settles it and goes on.
  void probe_finished(const Pipeline& pipeline);

 private:
  /// The code at which the failed jobs have passed before.
  struct OldCodeAt {
    dataset::OldCode kind = dataset::OldCode::kNone;
    std::string sha;
  };
  void begin(const Version& version, GateRecord record);
  void run(const Version& version, const GateRecord& record, dataset::Probe probe);
  void make_pipeline(const Version& version, dataset::Probe probe, std::string sha, std::string before);
  void cannot_tell(const Version& version, dataset::Probe probe, const std::string& reason);
  void conclude(const Version& version, GateRecord record, const dataset::Conclusion& conclusion);
  void trouble(const Version& version, const Error& error);
  Result<std::vector<std::string>> good_commits(const Version& version) const;
  Result<OldCodeAt> old_code(const Version& version, const Project& project,
                             const std::vector<std::string>& good) const;
  Result<std::string> old_code_commit(const Version& version, const Project& project,
                                      const std::string& base) const;
  Result<ProbeRecord> result_of(const Version& version, const Pipeline& probe) const;

  ServerPorts& ports_;
  Pipelines& pipelines_;
  const Candidates& candidates_;
  OnDone done_;
  OnTrouble trouble_;
  std::set<VersionId> busy_;  ///< versions whose next step is being made just now
};

/// Names of the jobs that have failed the pipeline by what their scripts did.
Result<std::vector<std::string>> failed_by_script(Store& store, PipelineId pipeline);

}  // namespace tidegate::app
