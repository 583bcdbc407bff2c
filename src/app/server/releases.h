// `release:`: the tag and the record.
#pragma once

#include <functional>
#include <string>

#include "app/server/server_ports.h"
#include "config/definition.h"

namespace tidegate::app {

/// Makes the tag, where there is none yet, at the release's ref (else at the job's commit), and remembers the
/// release. The same release of the same job again is the same one; kConflict when the tag has one of another
/// job. Nothing is made while a data candidate is tested: what is said then. Blocks; not on the state thread.
/// `on_tag` is called on the state thread when a tag was made.
Result<std::string> make_release(ServerPorts& ports, const Project& project, const Job& job,
                                 const config::Release& release,
                                 const std::function<void(const Project&)>& on_tag);

}  // namespace tidegate::app
