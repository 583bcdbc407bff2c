#include "app/local/job_copies.h"

#include <string>
#include <system_error>

#include <fmt/core.h>

#include "app/local/git_command.h"
#include "base/text.h"

namespace tidegate::app {

namespace fs = std::filesystem;

namespace {

Status failed(std::string_view what, const fs::path& path, const std::error_code& error) {
  const Errc code = error == std::errc::no_space_on_device ? Errc::kEnvironment : Errc::kInternal;
  return fail(code, fmt::format("{} {}: {}", what, printable(path.native()), error.message()));
}

// Git never changes an object: it can be the same file everywhere, where the file system has hard links.
Status link_or_copy(const fs::path& from, const fs::path& to, bool is_object) {
  std::error_code error;
  if (is_object) fs::create_hard_link(from, to, error);
  if (!is_object || error) {
    error.clear();
    fs::copy_file(from, to, error);
  }
  return error ? failed("copy", from, error) : Status();
}

Status copy_git_folder(const fs::path& from, const fs::path& to) {
  std::error_code error;
  fs::create_directory(to, error);
  for (auto entry = fs::recursive_directory_iterator(from, error); !error && entry != fs::end(entry);
       entry.increment(error)) {
    const fs::path inside = entry->path().lexically_relative(from);
    if (entry->is_directory(error)) {
      fs::create_directory(to / inside, error);
    } else {
      TG_CHECK(link_or_copy(entry->path(), to / inside, *inside.begin() == "objects"));
    }
  }
  return error ? failed("copy", from, error) : Status();
}

Status copy_files(const WorkingCopy& copy, const fs::path& into) {
  fs::path made;
  for (const std::string& file : copy.files) {
    const fs::path from = copy.root / file;
    const fs::path to = into / file;
    std::error_code error;
    if (to.parent_path() != made) fs::create_directories(made = to.parent_path(), error);
    const fs::file_status status = fs::symlink_status(from, error);
    if (fs::is_symlink(status)) {
      fs::copy_symlink(from, to, error);
    } else if (fs::is_regular_file(status)) {
      fs::copy_file(from, to, error);
    }
    if (error && error != std::errc::no_such_file_or_directory) {  // removed since it was listed
      return failed("copy", from, error);
    }
  }
  return {};
}

}  // namespace

Status JobCopies::clone_once() {
  const std::lock_guard lock(mutex_);
  if (cloned_) return *cloned_;
  const auto clone = [&]() -> Status {
    TG_CHECK(run_git(copy_.root, {"clone", "-q", "--local", "--no-checkout",
                                  "--template=", copy_.root.native(), history_.native()}));
    TG_CHECK(run_git(history_, {"update-ref", "--no-deref", "HEAD", copy_.sha}));
    TG_CHECK(run_git(history_, {"read-tree", copy_.sha}));
    return {};
  };
  cloned_ = clone();
  return *cloned_;
}

Status JobCopies::add(const fs::path& into) {
  if (copy_.git && copy_.top_level) {
    TG_CHECK(clone_once());
    TG_CHECK(copy_git_folder(history_ / ".git", into / ".git"));
  }
  return copy_files(copy_, into);
}

}  // namespace tidegate::app
