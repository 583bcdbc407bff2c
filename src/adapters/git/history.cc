#include "adapters/git/history.h"

#include "sys/file.h"

namespace tidegate::git {
namespace {

// A file that nobody touched in so many commits is as good as one from the beginning.
constexpr int kMostCommits = 50'000;

/// The object at the path, all zeros when there is none.
git_oid entry_at(git_commit* commit, const std::string& path) {
  git_oid none{};
  const auto tree = tree_of(commit);
  if (!tree) return none;
  git_tree_entry* found = nullptr;
  if (git_tree_entry_bypath(&found, tree->get(), path.c_str()) != 0) return none;
  const TreeEntry entry(found);
  return *git_tree_entry_id(entry.get());
}

}  // namespace

// As `git log -1 -- path` simplifies history: a merge that has the file from one of its parents is followed
// there.
Result<std::string> last_commit_of(git_repository* repository, const std::string& sha,
                                   const std::string& path) {
  TG_TRY(Commit at, find_commit(repository, sha));
  git_oid current = entry_at(at.get(), path);
  if (git_oid_is_zero(&current) != 0) return std::string();
  for (int seen = 0; seen < kMostCommits; ++seen) {
    Commit same;
    for (unsigned parent = 0; parent < git_commit_parentcount(at.get()) && !same; ++parent) {
      git_commit* found = nullptr;
      if (const int code = git_commit_parent(&found, at.get(), parent); code != 0)
        return git_failure("history of " + path, code);
      Commit candidate(found);
      const git_oid there = entry_at(candidate.get(), path);
      if (git_oid_equal(&there, &current) != 0) same = std::move(candidate);
    }
    if (!same) break;
    at = std::move(same);
  }
  return hex(*git_commit_id(at.get()));
}

Result<std::string> write_tag(git_repository* repository, const app::NewTag& tag) {
  TG_TRY(const Object target, find_object(repository, tag.target));
  const auto seconds = std::chrono::floor<std::chrono::seconds>(tag.when).time_since_epoch().count();
  git_signature* made = nullptr;
  int code = git_signature_new(&made, tag.tagger_name.c_str(), tag.tagger_email.c_str(), seconds, 0);
  const Signature tagger(made);
  if (code != 0) return git_failure("tagger", code);
  git_oid id{};
  code = git_tag_annotation_create(&id, repository, tag.name.c_str(), target.get(), tagger.get(),
                                   tag.message.c_str());
  if (code != 0) return git_failure("write the tag", code);
  TG_CHECK(sys::sync_directory(std::filesystem::path(git_repository_commondir(repository)) / "objects"));
  return hex(id);
}

}  // namespace tidegate::git
