#include "pipeline/predefined.h"

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

JobVariables pipeline_predefined(const Context& context) {
  JobVariables out;
  add(out, "CI", "true");
  add(out, "GITLAB_CI", "true");
  add(out, "CI_PIPELINE_SOURCE", context.source);
  if (context.source == "trigger") add(out, "CI_PIPELINE_TRIGGERED", "true");
  add(out, "CI_DEFAULT_BRANCH", context.default_branch);
  if (!context.sha.empty()) {
    add(out, "CI_COMMIT_SHA", context.sha);
    add(out, "CI_COMMIT_SHORT_SHA", context.sha.substr(0, 8));
    add(out, "CI_COMMIT_BEFORE_SHA", context.before_sha.empty() ? std::string(40, '0') : context.before_sha);
  }
  add(out, "CI_COMMIT_REF_NAME", context.ref);
  add(out, "CI_COMMIT_REF_SLUG", slug(context.ref));
  if (is_branch(context)) add(out, "CI_COMMIT_BRANCH", context.ref);
  if (context.is_tag) add(out, "CI_COMMIT_TAG", context.ref);
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
