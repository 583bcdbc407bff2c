#include "app/runner/job_artifacts.h"

#include <algorithm>
#include <system_error>

#include <fmt/core.h>

#include "app/runner/archive.h"
#include "app/runner/tree_walk.h"
#include "base/text.h"
#include "sys/file.h"

namespace tidegate::app {

namespace fs = std::filesystem;

namespace {

// The name that a person downloads it as. Names of reports are GitLab's defaults
// (Gitlab::Ci::Build::Artifact).
std::string file_name(const pipeline::JobArtifacts& artifacts) {
  std::string name = artifacts.name;
  if (name.empty() && artifacts.type == "junit") name = "junit.xml";
  if (name.empty() && artifacts.type == "dotenv") name = ".env";
  if (name.empty()) name = artifacts.type == "archive" ? "artifacts" : artifacts.type;
  std::ranges::replace(name, '/', '_');
  std::ranges::replace(name, '\0', '_');
  if (artifacts.format == "gzip") return name + ".gz";
  if (artifacts.format == "raw") return name;
  return name + ".zip";
}

void say_counts(JobContext& job, const Selected& selected) {
  for (const PatternCount& count : selected.counts) {
    const std::string pattern = printable(count.pattern);
    if (!count.problem.empty()) {
      job.log.warning(fmt::format("{}: {}", pattern, count.problem));
    } else if (count.found == 0) {
      job.log.warning(
          fmt::format("{}: no matching files. Ensure that the artifact path is relative to the working "
                      "directory ({})",
                      pattern, job.project_inside));
    } else {
      job.log.line(fmt::format("{}: found {} matching artifact files and directories", pattern, count.found));
    }
  }
}

Status pack(JobContext& job, const pipeline::JobArtifacts& artifacts, const Selected& selected,
            const fs::path& to) {
  if (artifacts.format == "gzip") return make_gzip(job.project, selected.paths, to);
  if (artifacts.format == "zip") {
    TG_CHECK(make_archive(job.project, selected.paths, ArchiveForm::kZip, to));
    return {};
  }
  if (artifacts.format == "raw" && selected.paths.size() == 1) {
    std::error_code error;
    const fs::path from = job.project / selected.paths.front();
    if (!fs::is_regular_file(fs::symlink_status(from, error))) {
      return fail(Errc::kInvalid, fmt::format("{} is no file", printable(selected.paths.front())));
    }
    fs::copy_file(from, to, error);
    if (error)
      return fail(Errc::kInternal, fmt::format("copy {}: {}", printable(from.native()), error.message()));
    return {};
  }
  return fail(Errc::kInvalid, fmt::format("artifacts in the format \"{}\" with {} files cannot be made",
                                          artifacts.format, selected.paths.size()));
}

Status upload_one(JobContext& job, const pipeline::JobArtifacts& artifacts, std::size_t number) {
  job.log.notice("Uploading artifacts...");
  const Selection selection{artifacts.paths, artifacts.exclude, artifacts.untracked, &job.tracked};
  TG_TRY(const Selected selected, select_files(job.project, job.project_inside, selection));
  say_counts(job, selected);
  if (selected.paths.empty()) {
    job.log.error("No files to upload");
    return {};
  }
  const fs::path packed = job.scratch / fmt::format("artifacts-{}", number);
  TG_CHECK(pack(job, artifacts, selected, packed));
  const std::string name = file_name(artifacts);
  TG_CHECK(job.io.upload_artifacts(artifacts, packed, name));
  std::error_code ignored;
  const auto size = fs::file_size(packed, ignored);
  fs::remove(packed, ignored);
  job.log.line(fmt::format("Uploaded \"{}\" as {} ({} bytes)", artifacts.type, name, size));
  return {};
}

}  // namespace

bool applies(const std::string& when, bool success) {
  if (when == "always") return true;
  return when == "on_failure" ? !success : success;
}

Status download_artifacts(JobContext& job) {
  for (const pipeline::JobDependency& dependency : job.message.dependencies) {
    if (!dependency.has_artifacts) continue;
    job.log.notice(fmt::format("Downloading artifacts for {} ({})...", printable(dependency.name),
                               dependency.id.value()));
    const fs::path archive = job.scratch / fmt::format("dependency-{}.zip", dependency.id.value());
    const std::string what = fmt::format("artifacts of {}", printable(dependency.name));
    if (const Status got = job.io.download_artifacts(dependency, archive); !got) {
      return with_context(what, got.error());
    }
    if (const Status unpacked = unpack_archive(archive, job.project, job.settings.unpack_limit); !unpacked) {
      return with_context(what, unpacked.error());
    }
    std::error_code ignored;
    fs::remove(archive, ignored);
  }
  return {};
}

Status upload_artifacts(JobContext& job, bool success) {
  Status result;
  std::size_t number = 0;
  for (const pipeline::JobArtifacts& artifacts : job.message.artifacts) {
    if (!applies(artifacts.when, success)) continue;
    const Status uploaded = upload_one(job, artifacts, number++);
    if (uploaded) continue;
    job.log.error(fmt::format("Uploading artifacts \"{}\": {}", artifacts.type, uploaded.error().message));
    if (result) result = uploaded;
  }
  return result;
}

}  // namespace tidegate::app
