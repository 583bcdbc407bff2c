#include "app/runner/job_cache.h"

#include <algorithm>
#include <system_error>

#include <fmt/core.h>

#include "app/runner/archive.h"
#include "app/runner/cache_store.h"
#include "app/runner/tree_walk.h"
#include "base/sha256.h"
#include "base/text.h"
#include "sys/file.h"

namespace tidegate::app {

namespace fs = std::filesystem;

namespace {

bool has_paths(const pipeline::JobCache& cache) {
  return !cache.paths.empty() || cache.untracked;
}
bool pulls(const pipeline::JobCache& cache) {
  return has_paths(cache) && (cache.policy == "pull" || cache.policy == "pull-push");
}
bool pushes(const pipeline::JobCache& cache) {
  return has_paths(cache) && (cache.policy == "push" || cache.policy == "pull-push");
}

fs::path place_of(const JobContext& job, const std::string& key) {
  return cache_file(job.settings, job.message.project_id, key);
}

std::string key_of(const pipeline::JobCache& cache) {
  return cache.key.empty() ? "default" : cache.key;
}

bool restore(JobContext& job, const std::string& key) {
  const fs::path archive = place_of(job, key);
  std::error_code error;
  if (!fs::exists(archive, error)) return false;
  if (const Status unpacked = unpack_archive(archive, job.project, job.settings.unpack_limit); !unpacked) {
    job.log.warning(
        fmt::format("the cache {} cannot be used and goes: {}", printable(key), unpacked.error().message));
    fs::remove(archive, error);
    return true;  // part of it may be there: a fallback on top would mix two
  }
  touch_cache(archive);
  job.log.line(fmt::format("Successfully extracted cache {}", printable(key)));
  return true;
}

Status save(JobContext& job, const pipeline::JobCache& cache) {
  const Selection selection{cache.paths, {}, cache.untracked, &job.tracked};
  TG_TRY(const Selected selected, select_files(job.project, job.project_inside, selection));
  for (const PatternCount& count : selected.counts) {
    if (count.found == 0) {
      job.log.warning(fmt::format("{}: {}", printable(count.pattern),
                                  count.problem.empty() ? "no matching files" : count.problem));
    }
  }
  if (selected.paths.empty()) return {};
  const fs::path archive = place_of(job, key_of(cache));
  TG_CHECK(sys::make_directories(archive.parent_path()));
  const fs::path fresh = fmt::format("{}.{}.new", archive.native(), random_hex(8));
  std::error_code error;
  if (const auto made = make_archive(job.project, selected.paths, ArchiveForm::kTarZstd, fresh); !made) {
    fs::remove(fresh, error);
    return made.error();
  }
  fs::rename(fresh, archive, error);
  if (error) return fail(Errc::kInternal, fmt::format("rename {}: {}", fresh.native(), error.message()));
  return {};
}

}  // namespace

void prepare_caches(pipeline::JobMessage& message, const std::map<std::string, std::string>& variables) {
  const auto fallback = variables.find("CI_CACHE_FALLBACK_KEY");
  if (fallback == variables.end() || fallback->second.empty()) return;
  if (fallback->second.ends_with("-protected")) return;
  for (pipeline::JobCache& cache : message.cache) cache.fallback_keys.push_back(fallback->second);
}

bool has_cache_to_restore(const pipeline::JobMessage& message) {
  return std::ranges::any_of(message.cache, [](const auto& cache) {
    return pulls(cache) || (has_paths(cache) && !pushes(cache));  // the latter for its warning
  });
}

bool has_cache_to_save(const pipeline::JobMessage& message, bool success) {
  return std::ranges::any_of(
      message.cache, [&](const auto& cache) { return pushes(cache) && applies(cache.when, success); });
}

void restore_caches(JobContext& job) {
  for (const pipeline::JobCache& cache : job.message.cache) {
    if (has_paths(cache) && !pulls(cache) && !pushes(cache)) {
      job.log.warning(
          fmt::format("the cache {} is not used: its policy is \"{}\", none of pull, push, pull-push",
                      printable(key_of(cache)), printable(cache.policy)));
    }
    if (!pulls(cache)) continue;
    job.log.notice(fmt::format("Checking cache for {}...", printable(key_of(cache))));
    bool found = restore(job, key_of(cache));
    for (const std::string& key : cache.fallback_keys) {
      if (found) break;
      found = restore(job, key);
    }
    if (!found) job.log.line("No cache yet");
  }
}

void save_caches(JobContext& job, bool success) {
  for (const pipeline::JobCache& cache : job.message.cache) {
    if (!pushes(cache) || !applies(cache.when, success)) continue;
    job.log.notice(fmt::format("Creating cache {}...", printable(key_of(cache))));
    if (const Status saved = save(job, cache); !saved) {
      job.log.warning(
          fmt::format("the cache {} was not saved: {}", printable(key_of(cache)), saved.error().message));
    }
  }
  if (const std::uint64_t gone = prune_caches(job.settings); gone > 0)
    job.log.line(fmt::format("Removed {} bytes of caches that were not used for long", gone));
}

}  // namespace tidegate::app
