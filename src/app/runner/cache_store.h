// The folder of caches: which archive is where, and what goes when there are too many.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "app/runner/run_job.h"
#include "base/result.h"

namespace tidegate::app {

/// Where the archive of a key is. Keys come from the project's own file and may be anything; the name on disk
/// is a hash of it.
std::filesystem::path cache_file(const RunnerSettings& settings, std::int64_t project,
                                 const std::string& key);

/// Notes that the archive was used just now.
void touch_cache(const std::filesystem::path& archive);

/// Removes archives, the longest unused first, until all of them together have at most `cache_limit` bytes.
/// What half-finished jobs left counts too. Returns the bytes that went; faults are skipped.
std::uint64_t prune_caches(const RunnerSettings& settings);

}  // namespace tidegate::app
