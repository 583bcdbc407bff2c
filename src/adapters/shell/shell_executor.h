// Executor that runs scripts on this machine, as this user.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "app/ports/executor.h"

namespace tidegate::shell {

struct ShellSettings {
  /// Tells this runner's processes from another's on the same machine: no two at the same time may have the
  /// same, or remove_leftovers of one ends jobs of the other.
  std::string runner;
  Millis grace{5000};  ///< between SIGTERM and SIGKILL
};

/// bash if there is one, else sh, in the project folder itself. No walls: a script may do what this user may.
/// Of this process's environment a job gets only what a login shell needs (PATH, HOME, locale, proxies).
/// `image` and `services` have no effect, and the job's log says so.
class ShellExecutor : public app::Executor {
 public:
  explicit ShellExecutor(ShellSettings settings);

  std::string name() const override { return "shell"; }
  bool own_file_system() const override { return false; }
  Result<std::unique_ptr<app::JobEnvironment>> prepare(const pipeline::JobMessage& message,
                                                       const app::JobSpace& space,
                                                       const app::OnOutput& on_output,
                                                       const sys::StopFlag& cancel) override;
  Status remove_leftovers(const std::vector<JobId>& jobs) override;

 private:
  std::string marker(JobId job) const;

  ShellSettings settings_;
  std::string marker_prefix_;
};

}  // namespace tidegate::shell
