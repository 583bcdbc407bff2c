// One script as a child of this process, with its output in one pipe.
#pragma once

#include <map>
#include <string>
#include <sys/types.h>
#include <vector>

#include "app/ports/executor.h"
#include "base/result.h"
#include "sys/unique_fd.h"

namespace tidegate::shell {

struct ChildCommand {
  std::vector<std::string> argv;  ///< argv[0] is a path
  std::map<std::string, std::string> environment;
  std::filesystem::path directory;
  std::string marker;  ///< a variable of the environment that nothing else on this machine has
  Millis timeout{0};
  Millis grace{5000};  ///< between SIGTERM and SIGKILL
};

/// Starts the command in a session of its own and passes its output on until it has ended; then everything it
/// left behind is ended. At the timeout, or when `cancel` is requested, SIGTERM and later SIGKILL.
Result<app::ScriptExit> run_child(const ChildCommand& command, const app::OnOutput& on_output,
                                  const sys::StopFlag& cancel);

}  // namespace tidegate::shell
