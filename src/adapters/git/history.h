// Who touched a file last, and tags with a message. Internal.
#pragma once

#include <string>

#include "adapters/git/handles.h"
#include "app/ports/git_repository.h"

namespace tidegate::git {

Result<std::string> last_commit_of(git_repository* repository, const std::string& sha,
                                   const std::string& path);
Result<std::string> write_tag(git_repository* repository, const app::NewTag& tag);

}  // namespace tidegate::git
