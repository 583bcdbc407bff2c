#include "app/deploy/staging.h"

#include <algorithm>
#include <vector>

#include <fmt/core.h>

#include "app/deploy/host_scripts.h"
#include "base/sha256.h"
#include "base/text.h"
#include "image/release_files.h"
#include "release/release_env.h"

namespace tidegate::app {
namespace fs = std::filesystem;
namespace {

constexpr std::uint64_t kMaxImageBytes = 16ULL << 30U;

Error file_error(std::string_view what, const std::error_code& error) {
  return sys::errno_error(what, error.value());
}

// Every file and link below a folder, as relative paths in order.
Result<std::vector<std::string>> list_files(const fs::path& root) {
  std::vector<std::string> paths;
  std::error_code error;
  for (fs::recursive_directory_iterator it(root, error), end; !error && it != end; it.increment(error)) {
    const auto status = it->symlink_status(error);
    if (error) break;
    if (!fs::is_directory(status)) paths.push_back(it->path().lexically_relative(root).string());
  }
  if (error) return file_error("read the extracted image", error);
  std::ranges::sort(paths);
  return paths;
}

Result<std::uint64_t> size_of(const fs::path& path) {
  std::error_code error;
  if (fs::is_symlink(fs::symlink_status(path, error))) return 0;
  const auto size = fs::file_size(path, error);
  if (error) return file_error("stat " + path.string(), error);
  return size;
}

Status move_file(const fs::path& from, const fs::path& to) {
  TG_CHECK(sys::make_directories(to.parent_path()));
  std::error_code error;
  fs::rename(from, to, error);
  if (error) return file_error("rename " + from.string(), error);
  return {};
}

Status pick(Staging& staging, const fs::path& image, const std::vector<std::string>& files) {
  for (const auto& file : files) {
    TG_TRY(const auto size, size_of(image / file));
    staging.bytes += size;
    ++staging.files;
    TG_CHECK(move_file(image / file, staging.upload() / "src" / file));
  }
  return sys::make_directories(staging.upload() / "src");
}

// Wheels and lock move as they are; a target may list the lock among its files as well, then it is in src.
Status take_packages(Staging& staging, const fs::path& image, const std::vector<std::string>& present) {
  for (const auto& path : present) {
    if (path.starts_with("wheels/")) {
      TG_TRY(const auto size, size_of(image / path));
      staging.wheel_bytes += size;
      staging.wheels.push_back(fs::path(path).filename().string());
    }
    if (path == image::kLock) {
      TG_TRY(staging.lock, sys::read_file(image / path));
    }
  }
  staging.lock_sha256 = sha256_hex(staging.lock);
  std::error_code error;
  if (fs::is_directory(image / "wheels", error))
    TG_CHECK(move_file(image / "wheels", staging.packages() / "wheels"));
  return sys::write_file(staging.upload() / "requirements.lock", staging.lock);
}

}  // namespace

Result<Staging> make_staging(ImageRegistry& registry, const DeployRequest& request, const std::string& digest,
                             const fs::path& scratch, const sys::StopFlag* stop) {
  TG_CHECK(sys::make_directories(scratch));
  TG_TRY(auto directory, sys::TempDirectory::make(scratch, "deploy-"));
  Staging staging{std::move(directory)};
  const fs::path image = staging.directory.path() / "image";
  TG_CHECK(sys::make_directories(image));
  TG_CHECK(sys::make_directories(staging.upload()));
  TG_CHECK(sys::make_directories(staging.packages()));
  TG_CHECK(registry.extract(request.repository, digest, request.target.from, image, kMaxImageBytes, stop));
  TG_TRY(const auto present, list_files(image));
  TG_TRY(const auto files, image::select_release_files(request.target.files, present));
  TG_CHECK(take_packages(staging, image, present));
  TG_CHECK(pick(staging, image, files));
  return staging;
}

Status write_member_files(const Staging& staging, const DeployRequest& request, const std::string& digest,
                          const std::string& release) {
  const auto& target = request.target;
  const std::string env = target.env.empty() ? "" : target.path + "/" + target.env;
  auto launcher = replace_all(std::string(scripts::kLauncher), "@LOAD@", std::string(trim(scripts::kLoad)));
  launcher = replace_all(std::move(launcher), "@ENV@", env);
  TG_CHECK(sys::write_file(staging.upload() / "run", launcher, 0755));
  for (const auto& member : target.releases) {
    release::Provenance facts;
    facts.target = target.name;
    facts.member = member;
    facts.release = release;
    facts.deployment = request.deployment;
    facts.project = request.project;
    facts.repo_url = request.repo_url;
    facts.commit = request.commit;
    facts.pipeline = request.pipeline;
    facts.image = request.repository + "@" + digest;
    facts.digest = digest;
    facts.data_uri = request.data_uri;
    facts.data_version = request.data_version;
    facts.data_sha256 = request.data_sha256;
    const fs::path folder = staging.upload() / "members" / member;
    TG_CHECK(sys::make_directories(folder));
    TG_CHECK(sys::write_file(folder / "release.env", release::env_file(release::release_variables(facts))));
    TG_CHECK(sys::write_file(folder / "release.json", release::release_json(facts)));
  }
  return {};
}

}  // namespace tidegate::app
