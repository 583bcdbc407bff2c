#include "adapters/git/handles.h"

#include <array>

#include <fmt/core.h>

#include "base/text.h"

namespace tidegate::git {
namespace {

Errc code_of(int code) {
  switch (code) {
    case GIT_ENOTFOUND:
    case GIT_EUNBORNBRANCH:
      return Errc::kNotFound;
    case GIT_EEXISTS:
    case GIT_EMODIFIED:
    case GIT_ECONFLICT:
      return Errc::kConflict;
    case GIT_ELOCKED:
      return Errc::kUnavailable;
    case GIT_EOWNER:
      return Errc::kDenied;
    case GIT_EINVALIDSPEC:
    case GIT_EINVALID:
    case GIT_EAMBIGUOUS:
    case GIT_EPEEL:
      return Errc::kInvalid;
    default:
      return Errc::kInternal;
  }
}

}  // namespace

void start_library() {
  static const int started = [] {
    const int count = git_libgit2_init();
    git_libgit2_opts(GIT_OPT_ENABLE_FSYNC_GITDIR, 1);
    return count;
  }();
  static_cast<void>(started);
}

Error git_failure(std::string_view what, int code) {
  const git_error* error = git_error_last();
  const std::string why =
      error != nullptr && error->message != nullptr ? printable(error->message, 500) : "failed";
  return fail(code_of(code), fmt::format("git: {}: {}", what, why));
}

std::string hex(const git_oid& id) {
  std::array<char, GIT_OID_HEXSZ + 1> text{};
  git_oid_tostr(text.data(), text.size(), &id);
  return text.data();
}

Result<Object> find_object(git_repository* repository, const std::string& sha) {
  git_oid id{};
  if (sha.size() != GIT_OID_HEXSZ || git_oid_fromstr(&id, sha.c_str()) != 0) {
    return fail(Errc::kInvalid, "git: not a commit's sha: " + printable(sha));
  }
  git_object* object = nullptr;
  const int code = git_object_lookup(&object, repository, &id, GIT_OBJECT_ANY);
  if (code != 0) return git_failure("look up " + sha, code);
  return Object(object);
}

Result<Commit> find_commit(git_repository* repository, const std::string& sha) {
  TG_TRY(const Object object, find_object(repository, sha));
  git_object* commit = nullptr;
  const int code = git_object_peel(&commit, object.get(), GIT_OBJECT_COMMIT);
  if (code != 0) return git_failure(sha + " is no commit", code);
  return Commit(reinterpret_cast<git_commit*>(commit));
}

Result<Tree> tree_of(git_commit* commit) {
  git_tree* tree = nullptr;
  const int code = git_commit_tree(&tree, commit);
  if (code != 0) return git_failure("tree of " + hex(*git_commit_id(commit)), code);
  return Tree(tree);
}

}  // namespace tidegate::git
