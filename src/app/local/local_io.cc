#include "app/local/local_io.h"

#include <system_error>

#include <fmt/core.h>

#include "base/text.h"
#include "sys/file.h"

namespace tidegate::app {

namespace fs = std::filesystem;

namespace {

Status copy_whole(const fs::path& from, const fs::path& to) {
  std::error_code error;
  fs::copy_file(from, to, fs::copy_options::overwrite_existing, error);
  if (!error) return {};
  const Errc code = error == std::errc::no_space_on_device ? Errc::kEnvironment : Errc::kInternal;
  return fail(code, fmt::format("copy {}: {}", printable(from.native()), error.message()));
}

}  // namespace

fs::path artifact_file(const fs::path& artifacts, JobId job, const std::string& type) {
  return artifacts / std::to_string(job.value()) / percent_encode(type);
}

Status LocalJobIo::append_trace(std::string_view bytes) {
  on_trace_(bytes);
  return {};
}

Status LocalJobIo::get_sources(const pipeline::JobMessage&, const fs::path& into) {
  return copies_.add(into);
}

Status LocalJobIo::download_artifacts(const pipeline::JobDependency& dependency, const fs::path& to) {
  const fs::path from = artifact_file(artifacts_, dependency.id, "archive");
  std::error_code error;
  if (!fs::exists(from, error))
    return fail(Errc::kNotFound, fmt::format("{} has no artifacts", dependency.name));
  return copy_whole(from, to);
}

Result<std::string> LocalJobIo::create_release(const pipeline::JobMessage& message,
                                               const config::Release& release) {
  const std::string at = release.ref.empty() ? message.git.sha.substr(0, 8) : release.ref;
  return fmt::format(
      "A server would now make the release {} ({}) with the tag {} at {}; here nothing is made",
      printable(release.name), printable(release.description, 60), printable(release.tag_name),
      printable(at));
}

Status LocalJobIo::upload_artifacts(const pipeline::JobArtifacts& artifacts, const fs::path& file,
                                    const std::string& /*file_name*/) {
  const fs::path to = artifact_file(artifacts_, job_, artifacts.type);
  TG_CHECK(sys::make_directories(to.parent_path()));
  return copy_whole(file, to);
}

}  // namespace tidegate::app
