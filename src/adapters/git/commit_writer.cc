#include "adapters/git/commit_writer.h"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <set>
#include <vector>

#include <fmt/core.h>

#include "base/text.h"
#include "sys/file.h"

namespace tidegate::git {
namespace {

// Names that some file system or some git reads as the repository itself.
bool is_dot_git(std::string_view name) {
  const std::string lower = to_lower(name);
  return lower == ".git" || lower == "git~1" || lower.starts_with(".git ") || lower.starts_with(".git.") ||
         lower.starts_with(".git:");
}

Status check_path(const std::string& path) {
  const auto refuse = [&](std::string_view why) {
    return fail(Errc::kInvalid, fmt::format("git: the path {} {}", printable(path), why));
  };
  if (path.empty()) return refuse("is empty");
  if (path.size() > 4096) return refuse("is too long");
  if (path.find('\0') != std::string::npos) return refuse("holds a NUL byte");
  for (const std::string& part : split(path, '/')) {
    if (part.empty()) return refuse("is absolute or has an empty part");
    if (part == "." || part == "..") return refuse("has a part . or ..");
    if (is_dot_git(part)) return refuse("leads into .git");
  }
  return {};
}

// A line of a commit's header: what breaks it would make another commit of it.
Status check_person(const std::string& text, std::string_view what) {
  const bool bad = text.empty() || std::ranges::any_of(text, [](char c) {
                     return static_cast<unsigned char>(c) < 0x20 || c == '<' || c == '>' || c == 0x7f;
                   });
  if (bad)
    return fail(Errc::kInvalid, fmt::format("git: not fit for an author's {}: {}", what, printable(text)));
  return {};
}

// The update of one path, with the mode that the file has.
Result<git_tree_update> update_of(git_repository* repository, const git_tree* base,
                                  const app::FileEdit& edit) {
  TG_CHECK(check_path(edit.path));
  git_tree_update update{};
  update.path = edit.path.c_str();
  update.filemode = GIT_FILEMODE_BLOB;
  git_tree_entry* found = nullptr;
  const int code = git_tree_entry_bypath(&found, base, edit.path.c_str());
  const TreeEntry entry(found);
  if (code != 0 && code != GIT_ENOTFOUND) return git_failure("look for " + printable(edit.path), code);
  if (entry) {
    update.filemode = git_tree_entry_filemode(entry.get());
    if (update.filemode != GIT_FILEMODE_BLOB && update.filemode != GIT_FILEMODE_BLOB_EXECUTABLE) {
      return fail(Errc::kInvalid, "git: not a plain file: " + printable(edit.path));
    }
  }
  if (!edit.content) {
    if (!entry) return fail(Errc::kNotFound, "git: no such file to delete: " + printable(edit.path));
    update.action = GIT_TREE_UPDATE_REMOVE;
    return update;
  }
  update.action = GIT_TREE_UPDATE_UPSERT;
  const int written =
      git_blob_create_from_buffer(&update.id, repository, edit.content->data(), edit.content->size());
  if (written != 0) return git_failure("write " + printable(edit.path), written);
  return update;
}

Result<Tree> edited_tree(git_repository* repository, git_tree* base,
                         const std::vector<app::FileEdit>& edits) {
  std::vector<git_tree_update> updates;
  std::set<std::string_view> paths;
  for (const app::FileEdit& edit : edits) {
    if (!paths.insert(edit.path).second) {
      return fail(Errc::kInvalid, "git: two edits of one file: " + printable(edit.path));
    }
    TG_TRY(const git_tree_update update, update_of(repository, base, edit));
    updates.push_back(update);
  }
  git_oid id = *git_tree_id(base);
  if (!updates.empty()) {
    const int code = git_tree_create_updated(&id, repository, base, updates.size(), updates.data());
    if (code != 0) {
      Error error = git_failure("write the tree", code);
      error.code = Errc::kInvalid;  // a file where a folder is, or the other way round
      return error;
    }
  }
  git_tree* tree = nullptr;
  const int code = git_tree_lookup(&tree, repository, &id);
  if (code != 0) return git_failure("read the tree back", code);
  return Tree(tree);
}

}  // namespace

Result<std::string> write_commit(git_repository* repository, const app::NewCommit& commit) {
  TG_CHECK(check_person(commit.author_name, "name"));
  TG_CHECK(check_person(commit.author_email, "e-mail address"));
  if (commit.message.find('\0') != std::string::npos) {
    return fail(Errc::kInvalid, "git: the message holds a NUL byte");
  }
  TG_TRY(const Commit parent, find_commit(repository, commit.parent));
  TG_TRY(const Tree base, tree_of(parent.get()));
  TG_TRY(const Tree tree, edited_tree(repository, base.get(), commit.edits));

  const auto seconds = std::chrono::floor<std::chrono::seconds>(commit.when).time_since_epoch().count();
  git_signature* made = nullptr;
  int code = git_signature_new(&made, commit.author_name.c_str(), commit.author_email.c_str(), seconds, 0);
  const Signature author(made);
  if (code != 0) return git_failure("author", code);
  git_oid id{};
  const git_commit* parents[] = {parent.get()};
  code = git_commit_create(&id, repository, nullptr, author.get(), author.get(), nullptr,
                           commit.message.c_str(), tree.get(), 1, parents);
  if (code != 0) return git_failure("write the commit", code);
  // The library syncs objects and the folders they are in, which may be new themselves.
  TG_CHECK(sys::sync_directory(std::filesystem::path(git_repository_commondir(repository)) / "objects"));
  return hex(id);
}

}  // namespace tidegate::git
