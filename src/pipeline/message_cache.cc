// Caches of the job message and their keys. Source: GitLab CI/CD YAML reference, cache; GitLab's
// ci/pipeline/seed/build/cache.rb and Ci::Build#cache (the suffix by protection).
#include <algorithm>

#include "base/text.h"
#include "pipeline/glob.h"
#include "pipeline/message_parts.h"

namespace tidegate::pipeline {
namespace {

/// Globs become the paths of the tree that they match; other names stay.
std::vector<std::string> existing_files(const std::vector<std::string>& names, const Context& context) {
  std::vector<std::string> out;
  std::optional<std::vector<std::string>> tree;
  for (const std::string& name : names) {
    if (name.find('*') == std::string::npos) {
      if (!name.empty()) out.push_back(name);
      continue;
    }
    const auto glob = Glob::compile(name);
    if (!glob || !context.tree) continue;
    if (!tree) tree = context.tree();
    std::ranges::copy_if(*tree, std::back_inserter(out),
                         [&](const auto& path) { return glob->matches(path); });
  }
  std::ranges::sort(out);
  out.erase(std::ranges::unique(out).begin(), out.end());
  return out;
}

/// What stands before the word when no prefix is written: two caches of a job with the same files differ.
std::string default_prefix(const config::Cache& cache, std::size_t number) {
  std::string out = std::to_string(number);
  if (cache.key_files.empty()) return out;
  std::vector<std::string> stems;
  for (const std::string& file : cache.key_files) stems.push_back(file.substr(0, file.find('.')));
  return out + "_" + join(stems, "_");
}

std::string cache_key(const config::Cache& cache, std::size_t number, const Context& context,
                      const Expander& expand) {
  const bool by_content = !cache.key_files.empty();
  if (!by_content && cache.key_files_commits.empty())
    return cache.key.empty() ? "default" : expand(cache.key);
  const auto& ask = by_content ? context.files_key : context.commits_key;
  const auto& names = by_content ? cache.key_files : cache.key_files_commits;
  std::optional<std::string> word;
  if (ask) word = ask(existing_files(expand(names), context));
  std::string prefix = cache.key_prefix.empty() ? default_prefix(cache, number) : expand(cache.key_prefix);
  // Names of files may hold what a key may not.
  prefix = replace_all(prefix, "/", "_");
  return prefix + "-" + word.value_or("default");
}

}  // namespace

std::vector<JobCache> build_caches(const config::Job& job, const Context& context, const Expander& expand) {
  std::vector<JobCache> out;
  for (const config::Cache& cache : job.cache) {
    JobCache built;
    built.key = cache_key(cache, out.size(), context, expand);
    built.fallback_keys = expand(cache.fallback_keys);
    if (context.ref_protected) {
      const std::string suffix = *context.ref_protected && !cache.unprotect ? "-protected" : "-non_protected";
      built.key += suffix;
      for (std::string& key : built.fallback_keys) key += suffix;
    }
    built.untracked = cache.untracked;
    built.policy = cache.policy.empty() ? "pull-push" : expand(cache.policy);
    built.paths = expand(cache.paths);
    built.when = to_word(cache.when);
    out.push_back(std::move(built));
  }
  return out;
}

}  // namespace tidegate::pipeline
