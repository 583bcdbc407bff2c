// Lints about what jobs leave behind: artifacts and caches.
#include <algorithm>
#include <array>
#include <map>

#include <fmt/core.h>

#include "base/text.h"
#include "pipeline/lints/finders.h"

namespace tidegate::pipeline::lints {
namespace {

/// True when it hands files on to later jobs.
bool makes_artifacts(const config::Job& job) {
  return job.artifacts && (!job.artifacts->paths.empty() || job.artifacts->untracked ||
                           !job.artifacts->reports.dotenv.empty() || !job.publish.empty());
}

/// Commands that make no file but the ones that they name.
bool is_plain(const Command& command) {
  constexpr auto kPlain = std::to_array<std::string_view>(
      {"echo", "printf", "cat", "sleep", "true",  "mkdir", "cp",   "mv",   "touch", "ls",   "cd", "test",
       "[",    "exit",   "pwd", "date",  "chmod", "rm",    "head", "tail", "grep",  "sort", "wc", "export"});
  return std::ranges::find(kPlain, command.name()) != kPlain.end();
}

/// What stands before the first glob sign or slash.
std::string_view first_part(std::string_view path) {
  if (path.starts_with("./")) path.remove_prefix(2);
  return path.substr(0, path.find_first_of("/*?[{$"));
}

/// The sorted parts between slashes of all words, and what begins with a given text among them.
class Parts {
 public:
  explicit Parts(const Reading& reading) {
    for (const Line& line : reading.lines) add(line.text);
    std::ranges::sort(parts_);
  }
  explicit Parts(const std::vector<std::string>& paths) : parts_(paths.begin(), paths.end()) {
    std::ranges::sort(parts_);
  }
  bool has_prefix(std::string_view start) const {
    const auto near = std::ranges::lower_bound(parts_, start);
    return near != parts_.end() && near->starts_with(start);
  }

 private:
  void add(std::string_view text) {
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t end = std::min(text.find_first_of(kSeparators, at), text.size());
      if (end > at) parts_.push_back(text.substr(at, end - at));
      at = end + 1;
    }
  }
  static constexpr std::string_view kSeparators = " \t\n/\"'`=:;,|&<>(){}[]";
  std::vector<std::string_view> parts_;
};

std::string_view why_outside(std::string_view path) {
  if (path.starts_with("~")) return "begins with ~, which nobody expands";
  if (path.starts_with("../") || path.contains("/../")) return "leaves the project's folder";
  if (path.starts_with("/builds/")) return {};
  if (path.starts_with("/")) return "is absolute";
  return {};
}

/// The variable in a cache key that is new each time; empty: none.
std::string_view fresh_variable(std::string_view key) {
  constexpr auto kFresh = std::to_array<std::string_view>(
      {"CI_JOB_ID", "CI_JOB_TOKEN", "CI_JOB_STARTED_AT", "CI_PIPELINE_ID", "CI_PIPELINE_IID",
       "CI_PIPELINE_CREATED_AT", "CI_COMMIT_SHA", "CI_COMMIT_SHORT_SHA", "CI_COMMIT_TIMESTAMP"});
  const auto found = std::ranges::find_if(kFresh, [&](std::string_view name) {
    const auto at = key.find(name);
    return at != std::string_view::npos && at > 0 && (key[at - 1] == '$' || key[at - 1] == '{');
  });
  return found == kFresh.end() ? std::string_view() : *found;
}

bool has_fallback(const Subject& subject, const config::Job& job, const config::Cache& cache) {
  return !cache.fallback_keys.empty() || subject.variable(job, "CACHE_FALLBACK_KEY").has_value();
}

}  // namespace

void find_artifact_not_made(Subject& subject, Warnings& out) {
  const auto files = subject.sources.list ? subject.sources.list() : std::vector<std::string>();
  const Parts tree(files);
  for (const Reading& reading : subject.jobs) {
    const config::Job& job = *reading.job;
    if (!job.artifacts || job.script.empty() || !job.after_script.empty() || !job.run.empty()) continue;
    const bool plain = std::ranges::all_of(reading.lines, [](const Line& line) {
      return !line.text.contains('$') && !line.text.contains('`') &&
             std::ranges::all_of(line.commands, is_plain);
    });
    if (!plain) continue;
    const Parts mentioned(reading);
    for (const std::string& path : job.artifacts->paths) {
      const std::string_view part = first_part(path);
      // A quoted name with blanks in it is left alone.
      if (part.empty() || part.contains(' ') || mentioned.has_prefix(part) || tree.has_prefix(part)) continue;
      out.add(job.place, job.name,
              fmt::format("{} keeps {}, which nothing in it makes", name_of(reading), printable(path)),
              "Compare the path with what the script writes.");
      break;  // the place is the job's: one is told
    }
  }
}

void find_artifact_outside(Subject& subject, Warnings& out) {
  for (const Reading& reading : subject.jobs) {
    if (!reading.job->artifacts) continue;
    for (const std::string& path : reading.job->artifacts->paths) {
      const std::string_view why = why_outside(path);
      if (!why.empty())
        out.add(reading.job->place, reading.job->name,
                fmt::format("{} keeps {}, which {}: artifacts come from the project's folder alone",
                            name_of(reading), printable(path), why),
                "Copy it into the project's folder first.");
    }
  }
}

void find_dependency_without_artifacts(Subject& subject, Warnings& out) {
  for (const Reading& reading : subject.jobs)
    for (const std::string& name : reading.job->dependencies.value_or(std::vector<std::string>())) {
      const Reading* other = subject.find(name);
      if (other == nullptr || makes_artifacts(*other->job)) continue;
      out.add(reading.job->place, reading.job->name,
              fmt::format("{} takes artifacts from {}, which keeps none", name_of(reading), name_of(*other)),
              "`dependencies` is about artifacts only, not about order. Give that job `artifacts`, or take "
              "it from the list.");
    }
}

void find_need_may_fail(Subject& subject, Warnings& out) {
  for (const Reading& reading : subject.jobs) {
    if (!reading.job->needs || (reading.job->allow_failure && reading.job->allow_failure->value)) continue;
    for (const config::Need& need : *reading.job->needs) {
      const Reading* other = subject.find(need.job);
      if (other == nullptr || !need.artifacts || !makes_artifacts(*other->job)) continue;
      const config::Job& needed = *other->job;
      if (!needed.allow_failure || !needed.allow_failure->value || needed.when == config::When::kManual ||
          needed.artifacts->when == config::ArtifactsWhen::kAlways)
        continue;
      out.add(need.place, reading.job->name,
              fmt::format("{} needs the artifacts of {}, which may fail: then it runs without them",
                          name_of(reading), name_of(*other)),
              "Take `allow_failure` from that job, or keep its artifacts with `when: always`.");
    }
  }
}

void find_cache_never_hits(Subject& subject, Warnings& out) {
  std::map<std::string, int> users;  // key → jobs that have it
  for (const Reading& reading : subject.jobs)
    for (const config::Cache& cache : reading.job->cache) ++users[cache.key];
  for (const Reading& reading : subject.jobs)
    for (const config::Cache& cache : reading.job->cache) {
      const std::string_view fresh = fresh_variable(cache.key + cache.key_prefix);
      // Several jobs of one pipeline may hand something on by such a key.
      const bool of_job = fresh.starts_with("CI_JOB_");
      if (fresh.empty() || (!of_job && users[cache.key] > 1) || has_fallback(subject, *reading.job, cache))
        continue;
      out.add(reading.job->place, reading.job->name,
              fmt::format("{} caches under a key with ${}, which is new each time: the cache is filled and "
                          "never found",
                          name_of(reading), fresh),
              "Use $CI_COMMIT_REF_SLUG or `key:files`, or add `fallback_keys`.");
    }
}

void find_cache_without_paths(Subject& subject, Warnings& out) {
  for (const Reading& reading : subject.jobs)
    for (const config::Cache& cache : reading.job->cache)
      if (cache.paths.empty() && !cache.untracked && (!cache.key.empty() || !cache.key_files.empty()))
        out.add(
            reading.job->place, reading.job->name,
            fmt::format("{} has a cache with a key and without paths: it keeps nothing", name_of(reading)),
            "Add `paths`, or write `cache: []` to have none.");
}

void find_cache_outside(Subject& subject, Warnings& out) {
  for (const Reading& reading : subject.jobs)
    for (const config::Cache& cache : reading.job->cache)
      for (const std::string& path : cache.paths) {
        const std::string_view why = why_outside(path);
        if (!why.empty())
          out.add(reading.job->place, reading.job->name,
                  fmt::format("{} caches {}, which {}: caches come from the project's folder alone",
                              name_of(reading), printable(path), why),
                  "Let the tool keep its cache there: PIP_CACHE_DIR: $CI_PROJECT_DIR/.cache/pip, and cache "
                  ".cache/pip.");
      }
}

void find_cache_not_filled(Subject& subject, Warnings& out) {
  for (const Reading& reading : subject.jobs) {
    const auto of_pip = [](const config::Cache& cache) {
      return cache.policy != "pull" && std::ranges::any_of(cache.paths, [](std::string_view path) {
               if (path.starts_with("./")) path.remove_prefix(2);
               return path.starts_with(".cache/pip");
             });
    };
    if (!std::ranges::any_of(reading.job->cache, of_pip) || !reading.mentions("pip install") ||
        reading.mentions_any({"PIP_CACHE_DIR", "XDG_CACHE_HOME", "HOME=", "--cache-dir", "pip config"}))
      continue;
    const auto set = [&](std::string_view name) { return subject.variable(*reading.job, name).has_value(); };
    if (set("PIP_CACHE_DIR") || set("XDG_CACHE_HOME") || set("HOME") || set("PIP_CONFIG_FILE")) continue;
    out.add(
        reading.job->place, reading.job->name,
        fmt::format("{} caches .cache/pip, and pip keeps its cache in the home directory", name_of(reading)),
        "Add the variable PIP_CACHE_DIR: $CI_PROJECT_DIR/.cache/pip.");
  }
}

}  // namespace tidegate::pipeline::lints
