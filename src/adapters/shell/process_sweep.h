// Ending everything that a script started, also what left its process group.
#pragma once

#include <string>
#include <sys/types.h>

#include "base/result.h"

namespace tidegate::shell {

/// Ends (SIGKILL) all processes whose environment has a variable that begins with `marker`, or that belong to
/// `session` when it is not 0 (its leader, from which all of them come, must not be reaped yet), and waits
/// until they are gone. The calling process is never among them. A process that both made a session of its
/// own and cleaned its environment is not found: a shell has no walls. kUnavailable: some would not end.
Status end_marked_processes(const std::string& marker, pid_t session);

}  // namespace tidegate::shell
