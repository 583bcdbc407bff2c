// make_commit: a commit from edits. Internal.
#pragma once

#include <string>

#include "adapters/git/handles.h"
#include "app/ports/git_repository.h"

namespace tidegate::git {

Result<std::string> write_commit(git_repository* repository, const app::NewCommit& commit);

}  // namespace tidegate::git
