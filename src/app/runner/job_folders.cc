#include <utility>

#include <fmt/core.h>

#include "app/runner/job_run.h"
#include "base/log.h"
#include "base/text.h"
#include "sys/file.h"

namespace tidegate::app {

namespace fs = std::filesystem;

namespace {

// group/name, unless it would lead elsewhere.
std::string safe_project_path(const pipeline::JobMessage& message) {
  const std::vector<std::string> segments = split(message.project_path, '/');
  for (const std::string& segment : segments) {
    if (segment.empty() || segment == "." || segment == ".." || segment.find('\0') != std::string::npos) {
      return fmt::format("project-{}", message.project_id);
    }
  }
  return message.project_path;
}

}  // namespace

Result<JobFolders> JobFolders::make(const fs::path& work, const pipeline::JobMessage& message) {
  JobFolders folders;
  folders.root_ = fs::absolute(work) / fmt::format("job-{}", message.id.value());
  TG_CHECK(sys::remove_tree(folders.root_));
  folders.builds_ = folders.root_ / "builds";
  folders.project_ = folders.builds_ / safe_project_path(message);
  folders.file_variables_ = folders.project_;
  folders.file_variables_ += ".tmp";
  folders.scratch_ = folders.root_ / "scratch";
  for (const fs::path& folder : {folders.project_, folders.file_variables_, folders.scratch_}) {
    TG_CHECK(sys::make_directories(folder));
  }
  // Other users of this machine have no business in a job; the job itself is let in by its mounts.
  std::error_code error;
  fs::permissions(folders.root_, fs::perms::owner_all, error);
  if (error)
    return fail(Errc::kInternal, fmt::format("protect {}: {}", folders.root_.native(), error.message()));
  return folders;
}

Status JobFolders::remove() {
  if (root_.empty()) return {};
  return sys::remove_tree(std::exchange(root_, {}));
}

JobFolders::~JobFolders() {
  if (const Status removed = remove(); !removed) log::warn("runner", "{}", removed.error().message);
}

}  // namespace tidegate::app
