#include "adapters/git/repository.h"

#include <algorithm>
#include <set>

#include <fmt/core.h>

#include "adapters/git/commit_writer.h"
#include "adapters/git/handles.h"
#include "adapters/git/history.h"
#include "base/text.h"
#include "sys/file.h"

namespace tidegate::git {
namespace {

constexpr std::size_t kMinAbbreviation = 7;

bool is_hex(std::string_view text) {
  return std::ranges::all_of(text, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
  });
}

bool is_no_commit(const std::string& sha) {
  return sha.empty() || (sha.size() == GIT_OID_HEXSZ && sha.find_first_not_of('0') == std::string::npos);
}

class Libgit2Repository : public app::GitRepository {
 public:
  explicit Libgit2Repository(Repository repository) : repository_(std::move(repository)) {}

  Result<std::string> resolve(const std::string& revision) override;
  Result<app::CommitInfo> commit(const std::string& sha) override;
  Result<std::optional<std::string>> read_file(const std::string& sha, const std::string& path) override;
  Result<std::vector<std::string>> list_tree(const std::string& sha) override;
  Result<std::vector<std::string>> changed_paths(const std::string& from, const std::string& to) override;
  Result<bool> is_ancestor(const std::string& ancestor, const std::string& descendant) override;
  Result<std::string> make_commit(const app::NewCommit& commit) override {
    return write_commit(repository_.get(), commit);
  }
  Result<std::string> last_commit(const std::string& sha, const std::string& path) override {
    return last_commit_of(repository_.get(), sha, path);
  }
  Result<std::string> make_tag(const app::NewTag& tag) override { return write_tag(repository_.get(), tag); }
  Status update_ref(const app::RefChange& change) override;
  Result<std::vector<std::pair<std::string, std::string>>> refs() override;

 private:
  Result<Commit> find_by_name(const std::string& name);
  Result<Commit> find_by_prefix(const std::string& prefix);
  Result<std::string> target_of(const std::string& ref);  ///< empty: no such ref
  Result<Tree> tree_at(const std::string& sha);
  Status write_locked(git_transaction* transaction, const app::RefChange& change);

  Repository repository_;
};

Result<std::string> Libgit2Repository::resolve(const std::string& revision) {
  const std::size_t steps = revision.find_first_of("~^");
  const std::string name = revision.substr(0, steps);
  TG_TRY(const Commit base, find_by_name(name));
  const std::string sha = hex(*git_commit_id(base.get()));
  if (steps == std::string::npos) return sha;
  const std::string suffix = revision.substr(steps);
  if (suffix.find_first_not_of("~^0123456789") != std::string::npos) {
    return fail(Errc::kInvalid, "git: not a revision: " + printable(revision));
  }
  git_object* found = nullptr;
  const int code = git_revparse_single(&found, repository_.get(), (sha + suffix).c_str());
  const Object object(found);
  if (code != 0) return git_failure("resolve " + printable(revision), code);
  return hex(*git_object_id(object.get()));
}

Result<Commit> Libgit2Repository::find_by_name(const std::string& name) {
  if (name.size() == GIT_OID_HEXSZ && is_hex(name)) return find_commit(repository_.get(), name);
  std::vector<std::string> candidates;
  if (name == "HEAD" || name.starts_with("refs/")) {
    candidates = {name};
  } else {
    candidates = {"refs/heads/" + name, "refs/tags/" + name};
  }
  for (const std::string& candidate : candidates) {
    git_reference* found = nullptr;
    const int code = name.find('\0') == std::string::npos
                         ? git_reference_lookup(&found, repository_.get(), candidate.c_str())
                         : GIT_EINVALIDSPEC;
    const Reference reference(found);
    if (code == GIT_ENOTFOUND || code == GIT_EINVALIDSPEC) continue;
    if (code != 0) return git_failure("look up " + candidate, code);
    git_object* commit = nullptr;
    const int peeled = git_reference_peel(&commit, reference.get(), GIT_OBJECT_COMMIT);
    if (peeled != 0) return git_failure(candidate + " leads to no commit", peeled);
    return Commit(reinterpret_cast<git_commit*>(commit));
  }
  if (name.size() >= kMinAbbreviation && name.size() < GIT_OID_HEXSZ && is_hex(name))
    return find_by_prefix(name);
  return fail(Errc::kNotFound, "git: no such branch, tag or commit: " + printable(name));
}

Result<Commit> Libgit2Repository::find_by_prefix(const std::string& prefix) {
  git_oid id{};
  git_oid_fromstrn(&id, prefix.c_str(), prefix.size());
  git_object* found = nullptr;
  const int code = git_object_lookup_prefix(&found, repository_.get(), &id, prefix.size(), GIT_OBJECT_ANY);
  const Object object(found);
  if (code != 0) return git_failure("look up " + prefix, code);
  return find_commit(repository_.get(), hex(*git_object_id(object.get())));
}

Result<app::CommitInfo> Libgit2Repository::commit(const std::string& sha) {
  TG_TRY(const Commit found, find_commit(repository_.get(), sha));
  app::CommitInfo info;
  info.sha = hex(*git_commit_id(found.get()));
  info.tree = hex(*git_commit_tree_id(found.get()));
  for (unsigned i = 0; i < git_commit_parentcount(found.get()); ++i) {
    info.parents.push_back(hex(*git_commit_parent_id(found.get(), i)));
  }
  const git_signature* author = git_commit_author(found.get());
  if (author != nullptr) {
    info.author_name = author->name;
    info.author_email = author->email;
  }
  info.message = git_commit_message_raw(found.get());
  info.committed_at = Instant(Seconds(git_commit_time(found.get())));
  return info;
}

Result<Tree> Libgit2Repository::tree_at(const std::string& sha) {
  TG_TRY(const Commit found, find_commit(repository_.get(), sha));
  return tree_of(found.get());
}

Result<std::optional<std::string>> Libgit2Repository::read_file(const std::string& sha,
                                                                const std::string& path) {
  TG_TRY(const Tree tree, tree_at(sha));
  if (path.empty() || path.find('\0') != std::string::npos) return std::optional<std::string>();
  git_tree_entry* found = nullptr;
  const int code = git_tree_entry_bypath(&found, tree.get(), path.c_str());
  const TreeEntry entry(found);
  if (code == GIT_ENOTFOUND || code == GIT_EINVALIDSPEC) return std::optional<std::string>();
  if (code != 0) return git_failure("look for " + printable(path), code);
  const git_filemode_t mode = git_tree_entry_filemode(entry.get());
  if (mode != GIT_FILEMODE_BLOB && mode != GIT_FILEMODE_BLOB_EXECUTABLE) return std::optional<std::string>();
  git_blob* read = nullptr;
  const int status = git_blob_lookup(&read, repository_.get(), git_tree_entry_id(entry.get()));
  const Blob blob(read);
  if (status != 0) return git_failure("read " + printable(path), status);
  return std::optional(std::string(static_cast<const char*>(git_blob_rawcontent(blob.get())),
                                   static_cast<std::size_t>(git_blob_rawsize(blob.get()))));
}

Result<std::vector<std::string>> Libgit2Repository::list_tree(const std::string& sha) {
  TG_TRY(const Tree tree, tree_at(sha));
  std::vector<std::string> paths;
  const auto visit = [](const char* root, const git_tree_entry* entry, void* user) {
    if (git_tree_entry_type(entry) == GIT_OBJECT_BLOB) {
      static_cast<std::vector<std::string>*>(user)->push_back(std::string(root) + git_tree_entry_name(entry));
    }
    return 0;
  };
  const int code = git_tree_walk(tree.get(), GIT_TREEWALK_PRE, visit, &paths);
  if (code != 0) return git_failure("list the files of " + sha, code);
  std::ranges::sort(paths);
  return paths;
}

Result<std::vector<std::string>> Libgit2Repository::changed_paths(const std::string& from,
                                                                  const std::string& to) {
  Tree old_tree;
  if (!is_no_commit(from)) {
    TG_TRY(old_tree, tree_at(from));
  }
  TG_TRY(const Tree new_tree, tree_at(to));
  git_diff_options options{};
  git_diff_options_init(&options, GIT_DIFF_OPTIONS_VERSION);
  options.flags = GIT_DIFF_INCLUDE_TYPECHANGE;
  git_diff* made = nullptr;
  const int code = git_diff_tree_to_tree(&made, repository_.get(), old_tree.get(), new_tree.get(), &options);
  const Diff diff(made);
  if (code != 0) return git_failure("compare " + from + " with " + to, code);
  std::set<std::string> paths;  // no rename detection: a rename is a deletion and an addition, so both sides
  for (std::size_t i = 0; i < git_diff_num_deltas(diff.get()); ++i) {
    const git_diff_delta* delta = git_diff_get_delta(diff.get(), i);
    paths.insert(delta->old_file.path);
    paths.insert(delta->new_file.path);
  }
  return std::vector<std::string>(paths.begin(), paths.end());
}

Result<bool> Libgit2Repository::is_ancestor(const std::string& ancestor, const std::string& descendant) {
  TG_TRY(const Commit older, find_commit(repository_.get(), ancestor));
  TG_TRY(const Commit newer, find_commit(repository_.get(), descendant));
  const git_oid* old_id = git_commit_id(older.get());
  const git_oid* new_id = git_commit_id(newer.get());
  if (git_oid_equal(old_id, new_id) != 0) return true;
  const int code = git_graph_descendant_of(repository_.get(), new_id, old_id);
  if (code < 0) return git_failure("walk from " + descendant, code);
  return code == 1;
}

Result<std::string> Libgit2Repository::target_of(const std::string& ref) {
  git_reference* found = nullptr;
  const int code = git_reference_lookup(&found, repository_.get(), ref.c_str());
  const Reference reference(found);
  if (code == GIT_ENOTFOUND) return std::string();
  if (code != 0) return git_failure("look up " + ref, code);
  if (git_reference_type(reference.get()) != GIT_REFERENCE_DIRECT) {
    return fail(Errc::kInvalid, "git: " + ref + " is a link to another ref");
  }
  return hex(*git_reference_target(reference.get()));
}

Status Libgit2Repository::update_ref(const app::RefChange& change) {
  int valid = 0;
  if (change.ref.find('\0') == std::string::npos) git_reference_name_is_valid(&valid, change.ref.c_str());
  if (valid == 0 || !change.ref.starts_with("refs/")) {
    return fail(Errc::kInvalid, "git: not the name of a ref: " + printable(change.ref));
  }
  if (is_no_commit(change.new_sha) && is_no_commit(change.old_sha)) {
    return fail(Errc::kInvalid, "git: a change of " + change.ref + " from nothing to nothing");
  }
  if (!is_no_commit(change.new_sha)) TG_CHECK(find_object(repository_.get(), change.new_sha));

  git_transaction* made = nullptr;
  int code = git_transaction_new(&made, repository_.get());
  const Transaction transaction(made);
  if (code == 0) code = git_transaction_lock_ref(transaction.get(), change.ref.c_str());
  if (code != 0) return git_failure("lock " + change.ref, code);
  // From here on, git and everybody else who wants to move this ref has to wait or give up.
  TG_CHECK(write_locked(transaction.get(), change));
  // The library syncs the ref and its folder; not that a ref went away, nor that a folder above is new.
  const std::filesystem::path top = git_repository_commondir(repository_.get());
  std::error_code error;
  for (auto part = std::filesystem::path(change.ref).parent_path(); !part.empty();
       part = part.parent_path()) {
    if (std::filesystem::is_directory(top / part, error)) TG_CHECK(sys::sync_directory(top / part));
  }
  return {};
}

Status Libgit2Repository::write_locked(git_transaction* transaction, const app::RefChange& change) {
  TG_TRY(const std::string now, target_of(change.ref));
  const std::string expected = is_no_commit(change.old_sha) ? "" : to_lower(change.old_sha);
  if (now != expected) {
    return fail(Errc::kConflict,
                fmt::format("git: {} is at {}, not at {}", change.ref, now.empty() ? "nothing" : now,
                            expected.empty() ? "nothing" : expected));
  }
  int code = 0;
  if (is_no_commit(change.new_sha)) {
    code = git_transaction_remove(transaction, change.ref.c_str());
  } else {
    git_oid id{};
    git_oid_fromstr(&id, change.new_sha.c_str());
    // Named, for what the library would make up instead asks the C library for the local time zone.
    git_signature* named = nullptr;
    code = git_signature_new(&named, "Tidegate", "tidegate@localhost", std::time(nullptr), 0);
    const Signature signature(named);
    if (code == 0)
      code = git_transaction_set_target(transaction, change.ref.c_str(), &id, signature.get(), "tidegate");
  }
  if (code == 0) code = git_transaction_commit(transaction);
  if (code != 0) return git_failure("move " + change.ref, code);
  return {};
}

Result<std::vector<std::pair<std::string, std::string>>> Libgit2Repository::refs() {
  git_reference_iterator* made = nullptr;
  int code = git_reference_iterator_new(&made, repository_.get());
  const ReferenceIterator iterator(made);
  std::vector<std::pair<std::string, std::string>> all;
  while (code == 0) {
    git_reference* found = nullptr;
    code = git_reference_next(&found, iterator.get());
    const Reference reference(found);
    if (code != 0) break;
    if (git_reference_type(reference.get()) == GIT_REFERENCE_DIRECT) {
      all.emplace_back(git_reference_name(reference.get()), hex(*git_reference_target(reference.get())));
    }
  }
  if (code != GIT_ITEROVER) return git_failure("list the refs", code);
  std::ranges::sort(all);
  return all;
}

Status configure(git_repository* repository) {
  git_config* made = nullptr;
  int code = git_repository_config(&made, repository);
  const Config config(made);
  // Acknowledged pushes survive power loss, and objects that would harm a checkout are not taken.
  if (code == 0) code = git_config_set_string(config.get(), "core.fsync", "all");
  if (code == 0) code = git_config_set_bool(config.get(), "receive.fsckObjects", 1);
  if (code == 0) code = git_config_set_bool(config.get(), "http.receivepack", 1);
  if (code != 0) return git_failure("configure the repository", code);
  return {};
}

}  // namespace

Result<std::unique_ptr<app::GitRepository>> open_repository(const std::filesystem::path& path) {
  start_library();
  git_repository* opened = nullptr;
  const int code = git_repository_open_ext(&opened, path.c_str(), GIT_REPOSITORY_OPEN_NO_SEARCH, nullptr);
  if (code != 0) return git_failure("open " + printable(path.native()), code);
  return std::unique_ptr<app::GitRepository>(std::make_unique<Libgit2Repository>(Repository(opened)));
}

Status init_bare(const std::filesystem::path& path, const std::string& default_branch) {
  start_library();
  git_repository* opened = nullptr;
  if (git_repository_open_ext(&opened, path.c_str(), GIT_REPOSITORY_OPEN_NO_SEARCH, nullptr) == 0) {
    const Repository there(opened);
    return {};
  }
  git_repository_init_options options{};
  git_repository_init_options_init(&options, GIT_REPOSITORY_INIT_OPTIONS_VERSION);
  options.flags = GIT_REPOSITORY_INIT_BARE | GIT_REPOSITORY_INIT_MKPATH;
  options.initial_head = default_branch.c_str();
  // Made aside and put in its place whole: a crash leaves no half of one, and of two who make it at once one
  // wins.
  TG_CHECK(sys::make_directories(path.parent_path()));
  TG_TRY(const auto aside, sys::TempDirectory::make(path.parent_path(), ".new-"));
  const auto fresh = aside.path() / "it";
  const int code = git_repository_init_ext(&opened, fresh.c_str(), &options);
  const Repository made(opened);
  if (code != 0) return git_failure("make " + printable(path.native()), code);
  TG_CHECK(configure(made.get()));
  std::error_code failed;
  std::filesystem::rename(fresh, path, failed);
  if (!failed) return sys::sync_directory(path.parent_path());
  git_repository* others = nullptr;
  if (git_repository_open_ext(&others, path.c_str(), GIT_REPOSITORY_OPEN_NO_SEARCH, nullptr) != 0)
    return fail(Errc::kUnavailable, "make " + printable(path.native()) + ": " + failed.message());
  const Repository there(others);
  return {};
}

Result<std::unique_ptr<app::GitRepository>> open_or_init_bare(const std::filesystem::path& path,
                                                              const std::string& default_branch) {
  TG_CHECK(init_bare(path, default_branch));
  return open_repository(path);
}

}  // namespace tidegate::git
