// artifacts, cache, environment, retry, needs, allow_failure: what a job leaves behind and what follows from
// it.
#include <algorithm>
#include <array>

#include <fmt/core.h>

#include "base/text.h"
#include "config/read_parts.h"

namespace tidegate::config {
namespace {

constexpr Seconds kNoLimit{1'000'000'000'000};
constexpr std::size_t kMaxCaches = 4;

constexpr auto kUploadWhen = std::to_array<Keyword>({{"on_success"}, {"on_failure"}, {"always"}});
constexpr auto kCachePolicies = std::to_array<Keyword>({{"pull-push"}, {"push"}, {"pull"}});
constexpr auto kActions = std::to_array<Keyword>({{"start"}, {"stop"}, {"prepare"}, {"verify"}, {"access"}});
constexpr auto kTiers =
    std::to_array<Keyword>({{"production"}, {"staging"}, {"testing"}, {"development"}, {"other"}});
constexpr auto kAccess = std::to_array<Keyword>({{"all"}, {"developer"}, {"maintainer"}, {"none"}});

ArtifactsWhen read_upload_when(const Value& value) {
  const auto word = read_word(value, kUploadWhen).value_or("on_success");
  return word == "always"       ? ArtifactsWhen::kAlways
         : word == "on_failure" ? ArtifactsWhen::kOnFailure
                                : ArtifactsWhen::kOnSuccess;
}

Reports read_reports(const Value& value) {
  Reports reports;
  if (!check_map(value, report_keywords())) return reports;
  for (const yaml::Entry& entry : value.node().entries) {
    if (entry.value->is_null() || find_keyword(report_keywords(), entry.key) == nullptr) continue;
    const Value report = value.child(*entry.value, entry.key);
    if (entry.key == "coverage_report") {
      const auto path = entry.value->is_map() ? report.find("path") : std::nullopt;
      if (path) {
        reports.other[entry.key] = {read_string(*path).value_or("")};
      } else {
        report.error("invalid-type", "should be a hash with coverage_format and path");
      }
      continue;
    }
    auto paths = read_string_or_strings(report).value_or(std::vector<std::string>());
    if (entry.key == "junit") {
      reports.junit = std::move(paths);
    } else if (entry.key == "dotenv") {
      reports.dotenv = std::move(paths);
    } else {
      reports.other[entry.key] = std::move(paths);
    }
  }
  return reports;
}

void read_expiry(const Value& value, Artifacts& artifacts) {
  const std::string word = to_lower(trim(value.node().text));
  if (value.node().is_string() && (word == "never" || word.empty())) {
    artifacts.never_expires = !word.empty();
    return;
  }
  artifacts.expire_in = read_duration(value, kNoLimit);
}

/// No "/" (also as %2F), not "." or "..".
void check_cache_key(const Value& value, const std::string& key) {
  const std::string plain = percent_decode(key).value_or(key);
  if (plain.find('/') != std::string::npos)
    value.error("invalid-value", "cannot contain the \"/\" character");
  if (plain == "." || plain == "..") value.error("invalid-value", "cannot be \".\" or \"..\"");
}

void read_cache_key(const Value& value, Cache& cache) {
  if (!value.node().is_map()) {
    if (value.node().is_string()) {
      cache.key = value.node().text;
      check_cache_key(value, cache.key);
    } else {
      value.error("invalid-type", "should be a hash, a string or a symbol");
    }
    return;
  }
  check_map(value, cache_key_keywords());
  if (const auto files = value.find("files")) {
    cache.key_files = read_strings(*files).value_or(std::vector<std::string>());
    if (files->node().is_list() && files->node().items.empty())
      files->error("invalid-value", "requires at least 1 item");
  } else if (value.node().find("files_commits") == nullptr) {
    value.error("missing-keyword", "missing required keys: files");
  }
  if (const auto prefix = value.find("prefix")) {
    cache.key_prefix = read_string(*prefix).value_or("");
    check_cache_key(*prefix, cache.key_prefix);
  }
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
  if (const auto keys = value.find("fallback_keys"))
    cache.fallback_keys = read_strings(*keys).value_or(std::vector<std::string>());
  return cache;
}

std::optional<Need> read_need(const Value& value) {
  Need need;
  need.place = value.node().mark.place();
  if (value.node().is_string()) {
    need.job = value.node().text;
  } else if (!value.node().is_map()) {
    value.error("invalid-type", "need has an unsupported type", "Write the name of a job, or {job: name}.");
    return std::nullopt;
  } else {
    check_map(value, need_keywords());
    const auto job = value.find("job");
    if (!job) {
      const bool other = value.node().find("pipeline") != nullptr || value.node().find("project") != nullptr;
      if (!other) value.error("missing-keyword", "job can't be blank");
      return std::nullopt;
    }
    need.job = read_string(*job).value_or("");
    if (const auto artifacts = value.find("artifacts")) need.artifacts = read_bool(*artifacts).value_or(true);
    if (const auto optional = value.find("optional")) need.optional = read_bool(*optional).value_or(false);
  }
  if (need.job.empty()) {
    value.error("invalid-value", "job can't be blank");
    return std::nullopt;
  }
  return need;
}

constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

bool only(std::string_view text, std::string_view more) {
  return std::ranges::all_of(text, [&](char c) {
    return kLetters.find(c) != std::string_view::npos || more.find(c) != std::string_view::npos;
  });
}

/// What the merge request page shows: letters, digits, - _ and spaces; one file or folder, no glob.
void check_expose(const Value& value, const Artifacts& artifacts) {
  const std::string& name = artifacts.expose_as;
  if (name.empty()) return;
  if (artifacts.paths.empty()) value.error("missing-keyword", "paths can't be blank when expose_as is given");
  if (name.size() > 100 || !only(name, "-_. "))
    value.error("invalid-value", "expose as can contain only letters, digits, '-', '_' and spaces");
  for (const std::string& path : artifacts.paths)
    if (path.find('*') != std::string::npos)
      value.error("invalid-value", "paths can't contain '*' when used with 'expose_as'");
}

/// Source: environment_name_regex of GitLab. Variables are not yet expanded.
void check_environment_name(const Value& value, const std::string& name) {
  if (name.empty()) return value.error("missing-keyword", "name can't be blank");
  if (name.size() > 255) value.error("invalid-value", "name is too long (maximum is 255 characters)");
  if (!only(name, "-_/\\${}. ") || name.starts_with('/') || name.ends_with('/'))
    value.error(
        "invalid-value",
        "name can contain only letters, digits, '-', '_', '/', '$', '{', '}', '.', and spaces, but it cannot "
        "start or end with '/'");
}

}  // namespace

std::optional<Artifacts> read_artifacts(const Value& value) {
  if (!check_map(value, artifacts_keywords())) return std::nullopt;
  Artifacts artifacts;
  if (const auto paths = value.find("paths"))
    artifacts.paths = read_strings(*paths).value_or(std::vector<std::string>());
  if (const auto exclude = value.find("exclude"))
    artifacts.exclude = read_strings(*exclude).value_or(std::vector<std::string>());
  if (const auto untracked = value.find("untracked"))
    artifacts.untracked = read_bool(*untracked).value_or(false);
  if (const auto name = value.find("name")) artifacts.name = read_string(*name).value_or("");
  if (const auto when = value.find("when")) artifacts.when = read_upload_when(*when);
  if (const auto expiry = value.find("expire_in")) read_expiry(*expiry, artifacts);
  if (const auto expose = value.find("expose_as")) artifacts.expose_as = read_string(*expose).value_or("");
  if (const auto is_public = value.find("public")) artifacts.is_public = read_bool(*is_public).value_or(true);
  if (const auto access = value.find("access")) artifacts.access = read_word(*access, kAccess).value_or("");
  if (const auto reports = value.find("reports")) artifacts.reports = read_reports(*reports);
  check_expose(value, artifacts);
  return artifacts;
}

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

std::optional<Retry> read_retry(const Value& value) {
  Retry retry;
  if (!value.node().is_map()) {
    const auto max = read_integer(value, 0, 2);
    if (!max) return std::nullopt;
    retry.max = static_cast<int>(*max);
    return retry;
  }
  check_map(value, retry_keywords());
  if (const auto max = value.find("max")) retry.max = static_cast<int>(read_integer(*max, 0, 2).value_or(0));
  if (const auto when = value.find("when")) {
    retry.when = read_string_or_strings(*when).value_or(std::vector<std::string>());
    for (const std::string& reason : retry.when)
      if (find_keyword(retry_reasons(), reason) == nullptr)
        when->error("invalid-value", "contains unknown values: " + printable(reason, 60),
                    nearest_hint(value.findings(), retry_reasons(), reason));
  }
  if (const auto codes = value.find("exit_codes"))
    retry.exit_codes = read_exit_codes(*codes).value_or(std::vector<int>());
  return retry;
}

std::optional<Environment> read_environment(const Value& value) {
  Environment environment;
  if (value.node().is_string()) {
    environment.name = value.node().text;
  } else if (!value.node().is_map()) {
    value.error("invalid-type", "should be a hash or a string");
    return std::nullopt;
  } else {
    check_map(value, environment_keywords());
    if (const auto name = value.find("name")) environment.name = read_string(*name).value_or("unknown");
    if (const auto url = value.find("url")) environment.url = read_string(*url).value_or("");
    if (const auto stop = value.find("on_stop")) environment.on_stop = read_string(*stop).value_or("");
    if (const auto action = value.find("action"))
      environment.action = read_word(*action, kActions).value_or("");
    if (const auto tier = value.find("deployment_tier"))
      environment.deployment_tier = read_word(*tier, kTiers).value_or("");
    if (const auto stop_in = value.find("auto_stop_in")) {
      const bool other =
          stop_in->node().text == "never" || stop_in->node().text.find('$') != std::string::npos;
      if (!other) environment.auto_stop_in = read_duration(*stop_in, kNoLimit);
    }
  }
  check_environment_name(value, environment.name);
  if (environment.url.size() > 255)
    value.error("invalid-value", "url is too long (maximum is 255 characters)");
  return environment;
}

std::optional<std::vector<Need>> read_needs(const Value& value) {
  std::vector<Need> needs;
  if (!value.node().is_list()) {
    value.error("invalid-type", "can only be a hash or an array", "Write a list of job names.");
    return std::nullopt;
  }
  for (const yaml::NodePtr& item : value.node().items)
    if (auto need = read_need(value.child(*item, "need"))) needs.push_back(*std::move(need));
  return needs;
}

std::optional<AllowFailure> read_allow_failure(const Value& value) {
  AllowFailure allow;
  if (value.node().kind == yaml::Kind::kBool) {
    allow.value = value.node().text == "true";
    return allow;
  }
  if (!value.node().is_map()) {
    value.error("invalid-type", "should be a hash or a boolean value");
    return std::nullopt;
  }
  check_map(value, allow_failure_keywords());
  if (const auto codes = value.find("exit_codes"))
    allow.exit_codes = read_exit_codes(*codes).value_or(std::vector<int>());
  return allow;
}

}  // namespace tidegate::config
