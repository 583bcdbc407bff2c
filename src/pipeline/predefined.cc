#include "pipeline/predefined.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <initializer_list>
#include <utility>

#include "base/sha256.h"
#include "base/text.h"
#include "pipeline/regex.h"

namespace tidegate::pipeline {
namespace {

void add(JobVariables& variables, std::string key, std::string value) {
  variables.push_back({.key = std::move(key), .value = std::move(value)});
}

/// A text that somebody wrote: never looked into for variables. An empty one only when asked for.
void add_text(JobVariables& variables, std::string key, std::string value, bool also_empty = false) {
  if (value.empty() && !also_empty) return;
  variables.push_back({.key = std::move(key), .value = std::move(value), .raw = true});
}

/// "rspec 1/3" and "rspec: [a, b]" belong to the group "rspec".
std::string group_name(std::string_view name) {
  const std::size_t matrix = name.rfind(": [");
  if (matrix != std::string_view::npos && name.ends_with(']')) return std::string(name.substr(0, matrix));
  const std::size_t space = name.rfind(' ');
  const std::size_t slash = name.rfind('/');
  if (space == std::string_view::npos || slash == std::string_view::npos || slash < space) {
    return std::string(name);
  }
  const bool numbers = parse_integer(name.substr(space + 1, slash - space - 1)).has_value() &&
                       parse_integer(name.substr(slash + 1)).has_value();
  return std::string(numbers ? name.substr(0, space) : name);
}

/// The last six base-36 digits of the SHA-256 of the name, as a number.
std::string slug_suffix(std::string_view name) {
  constexpr std::uint64_t kModulus = 36ULL * 36 * 36 * 36 * 36 * 36;
  std::uint64_t value = 0;
  for (const char digit : sha256_hex(name)) {
    const int nibble = digit <= '9' ? digit - '0' : digit - 'a' + 10;
    value = (value * 16 + static_cast<std::uint64_t>(nibble)) % kModulus;
  }
  std::string out(6, '0');
  for (std::size_t i = 6; i-- > 0; value /= 36) {
    out[i] = "0123456789abcdefghijklmnopqrstuvwxyz"[value % 36];
  }
  return out;
}

}  // namespace

bool is_branch(const Context& context) {
  return !context.is_tag && context.source != "merge_request_event";
}

namespace {

/// The title is the first line; the description is the rest, or all of it when the title is long (100 or
/// more), as GitLab has it.
void add_commit_texts(JobVariables& out, const Commit& commit) {
  const std::string_view message = commit.message;
  const std::string_view title = trim(message.substr(0, message.find('\n')));
  std::string_view rest = message.substr(std::min(message.find('\n'), message.size()));
  rest = title.size() < 100 ? rest : message;
  while (rest.starts_with('\n')) rest.remove_prefix(1);
  add_text(out, "CI_COMMIT_MESSAGE", commit.message);
  if (!message.empty()) {
    add_text(out, "CI_COMMIT_TITLE", std::string(title));
    add_text(out, "CI_COMMIT_DESCRIPTION", std::string(rest), true);
  }
  add_text(out, "CI_COMMIT_AUTHOR", commit.author);
  add_text(out, "CI_COMMIT_TIMESTAMP", commit.timestamp);
  add_text(out, "CI_COMMIT_TAG_MESSAGE", commit.tag_message);
}

/// A merge request of the ref into the default branch. There is no server to number it, so it is the first.
void add_merge_request(JobVariables& out, const Context& context) {
  add(out, "CI_MERGE_REQUEST_ID", "1");
  add(out, "CI_MERGE_REQUEST_IID", "1");
  add(out, "CI_MERGE_REQUEST_REF_PATH", "refs/merge-requests/1/head");
  add(out, "CI_MERGE_REQUEST_EVENT_TYPE", "detached");
  add(out, "CI_MERGE_REQUEST_SOURCE_BRANCH_NAME", context.ref);
  add(out, "CI_MERGE_REQUEST_SOURCE_BRANCH_PROTECTED",
      context.ref_protected.value_or(context.ref == context.default_branch) ? "true" : "false");
  add(out, "CI_MERGE_REQUEST_SOURCE_BRANCH_SHA", "");
  add(out, "CI_MERGE_REQUEST_TARGET_BRANCH_NAME", context.default_branch);
  add(out, "CI_MERGE_REQUEST_TARGET_BRANCH_PROTECTED", "true");
  add(out, "CI_MERGE_REQUEST_TARGET_BRANCH_SHA", "");
  add(out, "CI_MERGE_REQUEST_DIFF_BASE_SHA", context.before_sha);
  add(out, "CI_MERGE_REQUEST_DRAFT", "false");
  add(out, "CI_MERGE_REQUEST_APPROVED", "false");
  add_text(out, "CI_MERGE_REQUEST_TITLE",
           std::string(
               trim(std::string_view(context.commit.message).substr(0, context.commit.message.find('\n')))));
}

void add_ref(JobVariables& out, const Context& context) {
  add(out, "CI_COMMIT_REF_NAME", context.ref);
  add(out, "CI_COMMIT_REF_SLUG", slug(context.ref));
  add(out, "CI_COMMIT_REF_PROTECTED",
      context.ref_protected.value_or(context.ref == context.default_branch) ? "true" : "false");
  if (is_branch(context)) add(out, "CI_COMMIT_BRANCH", context.ref);
  if (context.is_tag) add(out, "CI_COMMIT_TAG", context.ref);
}

}  // namespace

JobVariables pipeline_predefined(const Context& context) {
  JobVariables out;
  add(out, "CI", "true");
  add(out, "GITLAB_CI", "true");
  add(out, "GITLAB_FEATURES", "");
  add(out, "CI_CONFIG_PATH", context.config_path);
  add(out, "CI_PIPELINE_SOURCE", context.source);
  if (context.source == "trigger") add(out, "CI_PIPELINE_TRIGGERED", "true");
  add(out, "CI_DEFAULT_BRANCH", context.default_branch);
  add(out, "CI_DEFAULT_BRANCH_SLUG", slug(context.default_branch));
  if (!context.sha.empty()) {
    add(out, "CI_COMMIT_SHA", context.sha);
    add(out, "CI_COMMIT_SHORT_SHA", context.sha.substr(0, 8));
    add(out, "CI_COMMIT_BEFORE_SHA", context.before_sha.empty() ? std::string(40, '0') : context.before_sha);
  }
  add_ref(out, context);
  add_commit_texts(out, context.commit);
  if (context.source == "merge_request_event") add_merge_request(out, context);
  return out;
}

JobVariables project_predefined(const ProjectFacts& project) {
  const std::size_t slash = project.path.rfind('/');
  const bool in_group = slash != std::string::npos;
  const std::string name = in_group ? project.path.substr(slash + 1) : project.path;
  const std::string space = in_group ? project.path.substr(0, slash) : std::string();
  JobVariables out;
  add(out, "CI_PROJECT_ID", std::to_string(project.id));
  add(out, "CI_PROJECT_NAME", name);
  add(out, "CI_PROJECT_TITLE", name);
  add(out, "CI_PROJECT_DESCRIPTION", "");
  add(out, "CI_PROJECT_PATH", project.path);
  add(out, "CI_PROJECT_PATH_SLUG", slug(project.path));
  add(out, "CI_PROJECT_NAMESPACE", space);
  add(out, "CI_PROJECT_NAMESPACE_SLUG", slug(space));
  add(out, "CI_PROJECT_ROOT_NAMESPACE", space.substr(0, space.find('/')));
  add(out, "CI_PROJECT_VISIBILITY", "private");
  add(out, "CI_PROJECT_REPOSITORY_LANGUAGES", "");
  add(out, "CI_PROJECT_CLASSIFICATION_LABEL", "");
  if (!project.url.empty()) {
    add(out, "CI_PROJECT_URL", project.url);
    add(out, "CI_REPOSITORY_URL", project.url + ".git");
  }
  return out;
}

JobVariables server_predefined(std::string_view url) {
  JobVariables out;
  const std::string core(kGitlabVersion.substr(0, kGitlabVersion.find_first_not_of("0123456789.")));
  auto parts = split(core, '.');
  parts.resize(3, "0");
  add(out, "CI_SERVER_NAME", "Tidegate");
  add(out, "CI_SERVER_VERSION", std::string(kGitlabVersion));
  add(out, "CI_SERVER_VERSION_MAJOR", parts[0]);
  add(out, "CI_SERVER_VERSION_MINOR", parts[1]);
  add(out, "CI_SERVER_VERSION_PATCH", parts[2]);
  add(out, "CI_SERVER_REVISION", "tidegate");
  const std::size_t scheme = url.find("://");
  if (scheme == std::string_view::npos) return out;
  const std::string protocol(url.substr(0, scheme));
  std::string_view place = url.substr(scheme + 3);
  place = place.substr(0, place.find('/'));
  const std::size_t colon = place.rfind(':');
  const bool has_port = colon != std::string_view::npos && place.find(']', colon) == std::string_view::npos;
  add(out, "CI_SERVER_URL", std::string(url));
  add(out, "CI_SERVER_PROTOCOL", protocol);
  add(out, "CI_SERVER_FQDN", std::string(place));
  add(out, "CI_SERVER_HOST", std::string(has_port ? place.substr(0, colon) : place));
  add(out, "CI_SERVER_PORT",
      has_port ? std::string(place.substr(colon + 1)) : std::string(protocol == "https" ? "443" : "80"));
  add(out, "CI_API_V4_URL", std::string(url) + "/api/v4");
  return out;
}

JobVariables user_predefined(const UserFacts& user) {
  JobVariables out;
  add_text(out, "GITLAB_USER_ID", user.id);
  add_text(out, "GITLAB_USER_LOGIN", user.login);
  add_text(out, "GITLAB_USER_NAME", user.name);
  add_text(out, "GITLAB_USER_EMAIL", user.email);
  return out;
}

JobVariables job_predefined(const config::Instance& instance, config::When when) {
  const config::Job& job = *instance.job;
  JobVariables out;
  add(out, "CI_JOB_NAME", instance.name);
  add(out, "CI_JOB_NAME_SLUG", slug(instance.name));
  add(out, "CI_JOB_GROUP_NAME", group_name(instance.name));
  add(out, "CI_JOB_STAGE", job.stage);
  if (when == config::When::kManual) add(out, "CI_JOB_MANUAL", "true");
  if (instance.index != 0) add(out, "CI_NODE_INDEX", std::to_string(instance.index));
  add(out, "CI_NODE_TOTAL", std::to_string(instance.total));
  if (job.image) add(out, "CI_JOB_IMAGE", job.image->name);
  return out;
}

JobVariables environment_predefined(const config::Environment& environment, const std::string& name) {
  JobVariables out;
  if (name.empty()) return out;
  add(out, "CI_ENVIRONMENT_NAME", name);
  add(out, "CI_ENVIRONMENT_SLUG", environment_slug(name));
  add(out, "CI_ENVIRONMENT_ACTION", environment.action.empty() ? "start" : environment.action);
  add(out, "CI_ENVIRONMENT_TIER",
      environment.deployment_tier.empty() ? environment_tier(name) : environment.deployment_tier);
  if (!environment.url.empty()) add(out, "CI_ENVIRONMENT_URL", environment.url);
  return out;
}

std::string environment_slug(std::string_view name) {
  std::string out;
  for (const char c : to_lower(name)) {
    const bool keep = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    out += keep ? c : '-';
  }
  if (out.empty() || out.front() < 'a' || out.front() > 'z') out = "env-" + out;
  std::string squeezed;
  for (const char c : out) {
    if (c != '-' || !squeezed.ends_with('-')) squeezed += c;
  }
  if (squeezed.size() > 24 || squeezed != name) {
    squeezed.resize(std::min<std::size_t>(squeezed.size(), 17));
    if (!squeezed.ends_with('-')) squeezed += '-';
    squeezed += slug_suffix(name);
  }
  if (squeezed.ends_with('-')) squeezed.pop_back();
  return squeezed;
}

std::string environment_tier(std::string_view name) {
  struct Guess {
    std::string_view pattern;
    std::string_view tier;
  };
  static constexpr std::array<Guess, 4> kGuesses = {{
      {"(?i)(dev|review|trunk)", "development"},
      {"(?i)(test|tst|int|ac(ce|)pt|qa|qc|control|quality)", "testing"},
      {"(?i)(st(a|)g|mod(e|)l|pre|demo|non)", "staging"},
      {"(?i)(pr(o|)d|live)", "production"},
  }};
  for (const auto& guess : kGuesses) {
    if (const auto regex = Regex::compile(guess.pattern); regex && regex->search(name)) {
      return std::string(guess.tier);
    }
  }
  return "other";
}

}  // namespace tidegate::pipeline
