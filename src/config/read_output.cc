// artifacts, retry, needs, allow_failure: what a job leaves behind and what follows from it.
#include <algorithm>
#include <array>

#include <fmt/core.h>

#include "base/text.h"
#include "config/read_parts.h"

namespace tidegate::config {
namespace {

constexpr auto kUploadWhen = std::to_array<Keyword>({{"on_success"}, {"on_failure"}, {"always"}});
constexpr auto kCoverageFormats = std::to_array<Keyword>({{"cobertura"}, {"jacoco"}});
constexpr auto kAccess = std::to_array<Keyword>({{"all"}, {"developer"}, {"maintainer"}, {"none"}});

/// Kept as the report that its format names.
void read_coverage_report(const Value& value, Reports& reports) {
  if (!check_map(value, coverage_report_keywords())) return;
  std::string form;
  if (const auto format = value.find("coverage_format")) {
    form = read_word(*format, kCoverageFormats).value_or("");
  } else {
    value.error("missing-keyword", "coverage format can't be blank",
                "Write `coverage_format: cobertura` or `coverage_format: jacoco`.");
  }
  const auto path = value.find("path");
  if (!path) return value.error("missing-keyword", "path can't be blank");
  const auto text = read_string(*path);
  if (text && !form.empty()) reports.other[form] = {*text};
}

Reports read_reports(const Value& value) {
  Reports reports;
  if (!check_map(value, report_keywords())) return reports;
  for (const yaml::Entry& entry : value.node().entries) {
    if (entry.value->is_null() || find_keyword(report_keywords(), entry.key) == nullptr) continue;
    const Value report = value.child(*entry.value, entry.key);
    if (entry.key == "coverage_report") {
      read_coverage_report(report, reports);
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

/// What the merge request page shows: letters, digits, - _ and spaces; one file or folder, no glob.
void check_expose(const Value& value, const Artifacts& artifacts) {
  const std::string& name = artifacts.expose_as;
  if (name.empty()) return;
  if (artifacts.paths.empty()) value.error("missing-keyword", "paths can't be blank when expose_as is given");
  if (name.size() > 100 || !only_of(name, "-_ ") || name.front() == '-' || name.front() == ' ')
    value.error("invalid-value", "expose as can contain only letters, digits, '-', '_' and spaces");
  for (const std::string& path : artifacts.paths)
    if (path.find('*') != std::string::npos)
      value.error("invalid-value", "paths can't contain '*' when used with 'expose_as'");
}

constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

}  // namespace

bool only_of(std::string_view text, std::string_view more) {
  return std::ranges::all_of(text, [&](char c) {
    return kLetters.find(c) != std::string_view::npos || more.find(c) != std::string_view::npos;
  });
}

ArtifactsWhen read_upload_when(const Value& value) {
  const auto word = read_word(value, kUploadWhen).value_or("on_success");
  return word == "always"       ? ArtifactsWhen::kAlways
         : word == "on_failure" ? ArtifactsWhen::kOnFailure
                                : ArtifactsWhen::kOnSuccess;
}

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
  if (value.find("access") && value.find("public"))
    value.error("keyword-conflict", "these keys cannot be used together: access, public", "Keep `access`.");
  if (const auto reports = value.find("reports")) artifacts.reports = read_reports(*reports);
  check_expose(value, artifacts);
  return artifacts;
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
