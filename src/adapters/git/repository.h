// Git repositories over libgit2. One object per thread; several on one repository, and git itself beside
// them, are fine.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "app/ports/git_repository.h"

namespace tidegate::git {

/// A repository that exists: a bare one, or the top folder of a work tree. kNotFound when there is none.
/// Everything that is written through it is on disk (fsync) when the call returns.
///
/// Where the port leaves it open: `resolve` takes, in this order, a full sha, HEAD, refs/…, a branch, a tag,
/// a sha of at least 7 digits, each with ~n and ^n behind it. `refs` tells annotated tags by the tag object's
/// sha; wherever a commit's sha is wanted, a tag object's is taken too. Symbolic links and submodules are no
/// files to `read_file` and cannot be edited; `list_tree` names links. `changed_paths` from "" or the
/// all-zero sha: from nothing.
Result<std::unique_ptr<app::GitRepository>> open_repository(const std::filesystem::path& path);

/// Makes a bare repository with its parent folders; one that is there stays as it is. Set up for pushes over
/// git http-backend: objects checked (receive.fsckObjects), everything fsynced (core.fsync=all).
Status init_bare(const std::filesystem::path& path, const std::string& default_branch);

/// open_repository, after init_bare.
Result<std::unique_ptr<app::GitRepository>> open_or_init_bare(const std::filesystem::path& path,
                                                              const std::string& default_branch);

}  // namespace tidegate::git
