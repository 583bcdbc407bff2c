// GitRepository: one bare repository. Candidates are made here and branches moved, never in a work tree.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace tidegate::app {

struct CommitInfo {
  std::string sha;
  std::string tree;
  std::vector<std::string> parents;
  std::string author_name;
  std::string author_email;
  std::string message;
  Instant committed_at;
};

struct RefChange {
  std::string ref;      ///< refs/heads/main
  std::string old_sha;  ///< empty: new
  std::string new_sha;  ///< empty: deleted
  friend bool operator==(const RefChange&, const RefChange&) = default;
};

/// A file's new content in a commit; nothing: delete it.
struct FileEdit {
  std::string path;
  std::optional<std::string> content;
};

struct NewCommit {
  std::string parent;
  std::vector<FileEdit> edits;
  std::string message;
  std::string author_name;
  std::string author_email;
  Instant when;
};

/// An annotated tag.
struct NewTag {
  std::string name;    ///< without refs/tags/
  std::string target;  ///< a commit
  std::string message;
  std::string tagger_name;
  std::string tagger_email;
  Instant when;
};

/// Blocking; one object per thread or externally serialised.
class GitRepository {
 public:
  virtual ~GitRepository() = default;

  virtual Result<std::string> resolve(const std::string& revision) = 0;  ///< branch, tag, sha → commit sha
  virtual Result<CommitInfo> commit(const std::string& sha) = 0;
  /// A file's bytes at a commit; nothing when it is not there (or is no file).
  virtual Result<std::optional<std::string>> read_file(const std::string& sha, const std::string& path) = 0;
  virtual Result<std::vector<std::string>> list_tree(const std::string& sha) = 0;  ///< all file paths, sorted
  /// Paths that differ between two commits (both sides of a rename).
  virtual Result<std::vector<std::string>> changed_paths(const std::string& from, const std::string& to) = 0;
  /// The newest commit up to `sha` that changed the file (or folder); empty when it is not there.
  virtual Result<std::string> last_commit(const std::string& sha, const std::string& path) = 0;
  /// True when `ancestor` is reachable from `descendant`.
  virtual Result<bool> is_ancestor(const std::string& ancestor, const std::string& descendant) = 0;

  /// Writes a commit on `parent` with file modes kept. Same input, same sha (the time is a parameter).
  virtual Result<std::string> make_commit(const NewCommit& commit) = 0;
  /// Writes the tag's object; update_ref makes refs/tags/… point at it.
  virtual Result<std::string> make_tag(const NewTag& tag) = 0;

  /// Moves a ref from `old_sha` (empty: must not exist) to `new_sha` (empty: delete) in one step; kConflict
  /// when it is elsewhere. Survives power loss when it returns.
  virtual Status update_ref(const RefChange& change) = 0;
  virtual Result<std::vector<std::pair<std::string, std::string>>> refs() = 0;  ///< name, sha; sorted by name
};

}  // namespace tidegate::app
