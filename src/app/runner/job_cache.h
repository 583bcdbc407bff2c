// `cache:` as archives in a folder of the runner, one per project and key.
#pragma once

#include <map>
#include <string>

#include "app/runner/job_context.h"

namespace tidegate::app {

/// Adds CI_CACHE_FALLBACK_KEY to the keys that a cache may be taken from, unless it is one of a protected
/// ref. Source: GitLab docs "Caching in GitLab CI/CD", global fallback key.
void prepare_caches(pipeline::JobMessage& message, const std::map<std::string, std::string>& variables);

/// Unpacks the first of the key and its fallbacks that is there. A cache is only a help: whatever goes wrong
/// is a warning in the log.
void restore_caches(JobContext& job);

/// Packs what the policy and the outcome ask for and replaces the old archive in one step, so that jobs at
/// the same time see one or the other.
void save_caches(JobContext& job, bool success);

/// True when some entry would be restored or saved.
bool has_cache_to_restore(const pipeline::JobMessage& message);
bool has_cache_to_save(const pipeline::JobMessage& message, bool success);

}  // namespace tidegate::app
