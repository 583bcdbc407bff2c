// Candidates: the versions of a branch that are under way, as the train sees them, and what their sources say
// of them. State thread only.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "app/server/server_ports.h"
#include "app/server/sources.h"
#include "config/gate_settings.h"
#include "dataset/train.h"

namespace tidegate::app {

class Candidates {
 public:
  Candidates(ServerPorts& ports, const Sources& sources) : ports_(ports), sources_(sources) {}

  /// Nothing while the project's tidegate.yml has not been read since the server started.
  std::optional<config::GateSettings> settings(ProjectId project, const std::string& source) const;

  /// The versions of this one's project and branch that are not final, and itself. kUnavailable: as
  /// settings().
  Result<std::vector<dataset::Car>> train(const Version& version) const;

  /// False for a job of a candidate that would deliver before its turn. It is kept in the queue, where it
  /// costs nobody a slot.
  Result<bool> may_start(const Pipeline& pipeline, const Job& job) const;

  /// "training v7, which landed before": who has to be decided first.
  Result<std::string> before(const Version& version) const;

 private:
  ServerPorts& ports_;
  const Sources& sources_;
};

}  // namespace tidegate::app
