#include "app/runner/cache_store.h"

#include <algorithm>
#include <system_error>
#include <vector>

#include <fmt/core.h>

#include "base/sha256.h"

namespace tidegate::app {

namespace fs = std::filesystem;

namespace {

fs::path folder_of(const RunnerSettings& settings) {
  return settings.cache_directory.empty() ? settings.work_directory / "cache" : settings.cache_directory;
}

struct Kept {
  fs::file_time_type used;
  fs::path file;
  std::uint64_t size = 0;
};

std::vector<Kept> list(const fs::path& folder) {
  std::vector<Kept> out;
  std::error_code error;
  fs::recursive_directory_iterator at(folder, error);
  for (const fs::recursive_directory_iterator end; !error && at != end; at.increment(error)) {
    std::error_code gone;  // another job may remove it just now
    if (!fs::is_regular_file(at->symlink_status(gone))) continue;
    Kept kept{at->last_write_time(gone), at->path(), at->file_size(gone)};
    if (!gone) out.push_back(std::move(kept));
  }
  return out;
}

}  // namespace

fs::path cache_file(const RunnerSettings& settings, std::int64_t project, const std::string& key) {
  return folder_of(settings) / fmt::format("project-{}", project) / (sha256_hex(key) + ".tar.zst");
}

void touch_cache(const fs::path& archive) {
  std::error_code ignored;
  fs::last_write_time(archive, fs::file_time_type::clock::now(), ignored);
}

std::uint64_t prune_caches(const RunnerSettings& settings) {
  std::vector<Kept> all = list(folder_of(settings));
  std::uint64_t total = 0;
  for (const Kept& kept : all) total += kept.size;
  if (total <= settings.cache_limit) return 0;
  std::ranges::sort(all, {}, [](const Kept& kept) { return std::pair(kept.used, kept.file); });
  std::uint64_t removed = 0;
  for (const Kept& kept : all) {
    if (total - removed <= settings.cache_limit) break;
    std::error_code error;
    if (fs::remove(kept.file, error)) removed += kept.size;
  }
  return removed;
}

}  // namespace tidegate::app
