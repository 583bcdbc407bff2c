// Environments: stopping them, by hand and when their time is over. State thread only.
#pragma once

#include <string>

#include "app/server/pipelines.h"
#include "app/server/server_ports.h"

namespace tidegate::app {

class Environments {
 public:
  Environments(ServerPorts& ports, Pipelines& pipelines) : ports_(ports), pipelines_(pipelines) {}

  /// Starts the job that stops it (`on_stop`) where there is one to start; else, and when forced, it just
  /// counts as stopped. One that is stopped already stays so.
  Result<EnvironmentRecord> stop(EnvironmentRecord environment, bool force);
  /// kConflict when it is not stopped.
  Status remove(const EnvironmentRecord& environment);
  /// Stops those that were last deployed from this branch and have a job for it. Faults are logged.
  void branch_gone(const Project& project, const std::string& branch);
  /// Stops those whose auto_stop_in is over. A fault is logged; the next call tries again.
  void stop_overdue();

 private:
  Result<bool> is_from(const EnvironmentRecord& environment, const std::string& branch);
  Result<bool> play_stop_job(const EnvironmentRecord& environment);

  ServerPorts& ports_;
  Pipelines& pipelines_;
};

}  // namespace tidegate::app
