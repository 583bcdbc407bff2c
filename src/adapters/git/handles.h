// libgit2's handles with owners, and its errors as ours. Internal.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include <git2.h>

#include "base/result.h"

namespace tidegate::git {

template <auto Free>
struct Freer {
  template <class T>
  void operator()(T* handle) const {
    Free(handle);
  }
};
template <class T, auto Free>
using Handle = std::unique_ptr<T, Freer<Free>>;

using Repository = Handle<git_repository, git_repository_free>;
using Object = Handle<git_object, git_object_free>;
using Commit = Handle<git_commit, git_commit_free>;
using Tree = Handle<git_tree, git_tree_free>;
using TreeEntry = Handle<git_tree_entry, git_tree_entry_free>;
using Blob = Handle<git_blob, git_blob_free>;
using Reference = Handle<git_reference, git_reference_free>;
using ReferenceIterator = Handle<git_reference_iterator, git_reference_iterator_free>;
using Transaction = Handle<git_transaction, git_transaction_free>;
using Diff = Handle<git_diff, git_diff_free>;
using Signature = Handle<git_signature, git_signature_free>;
using Config = Handle<git_config, git_config_free>;
using Odb = Handle<git_odb, git_odb_free>;

/// Starts libgit2 once in this process and switches fsync on.
void start_library();

/// What libgit2 says went wrong on this thread, after `code`.
Error git_failure(std::string_view what, int code);

std::string hex(const git_oid& id);

/// The object with this full sha (40 hex digits); kInvalid when it is no sha, kNotFound when it is not there.
Result<Object> find_object(git_repository* repository, const std::string& sha);
/// The same as a commit; tag objects lead to theirs.
Result<Commit> find_commit(git_repository* repository, const std::string& sha);
Result<Tree> tree_of(git_commit* commit);

}  // namespace tidegate::git
