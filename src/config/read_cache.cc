// cache: what is kept from job to job, and under which key.
#include <algorithm>
#include <array>

#include "base/text.h"
#include "config/read_parts.h"

namespace tidegate::config {
namespace {

constexpr std::size_t kMaxCaches = 4;
// GitLab documents two and is on its way to ten; a longer list is a mistake in both.
constexpr std::size_t kMaxKeyFiles = 10;
constexpr std::size_t kMaxFallbackKeys = 5;

constexpr auto kCachePolicies = std::to_array<Keyword>({{"pull-push"}, {"push"}, {"pull"}});

/// No "/" (also as %2F), not "." or "..".
void check_cache_key(const Value& value, const std::string& key) {
  const std::string plain = percent_decode(key).value_or(key);
  if (plain.find('/') != std::string::npos)
    value.error("invalid-value", "cannot contain the \"/\" character");
  if (plain == "." || plain == "..") value.error("invalid-value", "cannot be \".\" or \"..\"");
}

std::vector<std::string> read_key_files(const Value& value) {
  auto files = read_strings(value).value_or(std::vector<std::string>());
  if (value.node().is_list() && value.node().items.empty())
    value.error("invalid-value", "requires at least 1 item");
  if (files.size() > kMaxKeyFiles) value.error("invalid-value", "has too many items (maximum is 10)");
  for (std::string& file : files) file.erase(0, std::min(file.find_first_not_of('/'), file.size()));
  return files;
}

void read_cache_key(const Value& value, Cache& cache) {
  if (value.node().is_string()) {
    cache.key = value.node().text;
    return check_cache_key(value, cache.key);
  }
  if (!value.node().is_map()) return value.error("invalid-type", "should be a hash, a string or a symbol");
  check_map(value, cache_key_keywords());
  const auto files = value.find("files");
  const auto commits = value.find("files_commits");
  if (files && commits)
    value.error("keyword-conflict", "these keys cannot be used together: files, files_commits",
                "`files` follows the content, `files_commits` the history: choose one.");
  if (!files && !commits) value.error("missing-keyword", "missing required keys: files");
  if (files) cache.key_files = read_key_files(*files);
  if (commits) cache.key_files_commits = read_key_files(*commits);
  if (const auto prefix = value.find("prefix")) {
    cache.key_prefix = read_string(*prefix).value_or("");
    check_cache_key(*prefix, cache.key_prefix);
  }
}

void read_fallback_keys(const Value& value, Cache& cache) {
  cache.fallback_keys = read_strings(value).value_or(std::vector<std::string>());
  if (cache.fallback_keys.size() > kMaxFallbackKeys)
    value.error("invalid-value", "has to many entries (maximum 5)");
  for (const std::string& key : cache.fallback_keys) check_cache_key(value, key);
}

std::optional<Cache> read_cache(const Value& value) {
  if (!check_map(value, cache_keywords())) return std::nullopt;
  Cache cache;
  if (const auto key = value.find("key")) read_cache_key(*key, cache);
  if (const auto paths = value.find("paths"))
    cache.paths = read_strings(*paths).value_or(std::vector<std::string>());
  if (const auto untracked = value.find("untracked")) cache.untracked = read_bool(*untracked).value_or(false);
  if (const auto unprotect = value.find("unprotect")) cache.unprotect = read_bool(*unprotect).value_or(false);
  if (const auto policy = value.find("policy")) {
    const bool variable = policy->node().is_string() && policy->node().text.find('$') != std::string::npos;
    cache.policy = variable ? policy->node().text : read_word(*policy, kCachePolicies).value_or("");
  }
  if (const auto when = value.find("when")) cache.when = read_upload_when(*when);
  if (const auto keys = value.find("fallback_keys")) read_fallback_keys(*keys, cache);
  return cache;
}

}  // namespace

std::vector<Cache> read_caches(const Value& value) {
  std::vector<Cache> caches;
  if (!value.node().is_list()) {
    if (value.node().is_map() && value.node().entries.empty()) return caches;
    if (auto cache = read_cache(value)) caches.push_back(*std::move(cache));
    return caches;
  }
  if (value.node().items.size() > kMaxCaches)
    value.error("invalid-value", "caches array is too long (maximum is 4)");
  for (const yaml::NodePtr& item : value.node().items)
    if (auto cache = read_cache(value.child(*item, "cache"))) caches.push_back(*std::move(cache));
  return caches;
}

}  // namespace tidegate::config
