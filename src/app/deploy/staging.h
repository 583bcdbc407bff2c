// Staging: what goes to a host for one release, laid out in a folder here.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "app/deploy/deployer.h"
#include "base/result.h"
#include "sys/file.h"

namespace tidegate::app {

/// Two folders: `upload` with src/ (the files of the release), requirements.lock, run (the launcher), and
/// members/<member>/{release.env,release.json}; `packages` with wheels/, which a host that has them does not
/// get. Removed when this goes.
struct Staging {
  sys::TempDirectory directory;
  std::string lock = {};  ///< requirements.lock; empty when the image has none
  std::string lock_sha256 = {};
  std::vector<std::string> wheels = {};  ///< file names
  std::uint64_t files = 0;
  std::uint64_t bytes = 0;
  std::uint64_t wheel_bytes = 0;

  std::filesystem::path upload() const { return directory.path() / "upload"; }
  std::filesystem::path packages() const { return directory.path() / "packages"; }
};

/// Pulls the image and picks the files. kNotFound: the image lacks the folder or files that the target names;
/// kInvalid: it holds what no release may; else as ImageRegistry::extract.
Result<Staging> make_staging(ImageRegistry& registry, const DeployRequest& request, const std::string& digest,
                             const std::filesystem::path& scratch, const sys::StopFlag* stop);

/// Adds the launcher and the members' own files, now that the release has its id.
Status write_member_files(const Staging& staging, const DeployRequest& request, const std::string& digest,
                          const std::string& release);

}  // namespace tidegate::app
