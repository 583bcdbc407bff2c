// The job message: what a runner is told. Source: GitLab's job request payload (runner-facing API), in
// app/presenters/ci/build_runner_presenter.rb and lib/gitlab/ci/build/.
#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <utility>

#include "base/text.h"
#include "pipeline/draft.h"
#include "pipeline/variables.h"

namespace tidegate::pipeline {
namespace {

constexpr Seconds kAfterScriptTimeout{300};

/// How a report is uploaded. Source: app/models/concerns/enums/ci/job_artifact.rb (names and formats).
struct ReportForm {
  std::string_view keyword;
  std::string_view type;
  std::string_view file;
  std::string_view format;
};
constexpr std::array<ReportForm, 10> kReportForms = {{
    {"junit", "junit", "junit.xml", "gzip"},
    {"dotenv", "dotenv", ".env", "gzip"},
    {"coverage_report", "cobertura", "cobertura-coverage.xml", "gzip"},
    {"metrics", "metrics", "metrics.txt", "gzip"},
    {"cyclonedx", "cyclonedx", "gl-sbom.cdx.json", "gzip"},
    {"annotations", "annotations", "gl-annotations.json", "gzip"},
    {"repository_xray", "repository_xray", "gl-repository-xray.json", "gzip"},
    {"lsif", "lsif", "lsif.json", "zip"},
    {"codequality", "codequality", "gl-code-quality-report.json", "raw"},
    {"terraform", "terraform", "tfplan.json", "raw"},
}};

std::string_view to_word(config::ArtifactsWhen when) {
  switch (when) {
    case config::ArtifactsWhen::kOnSuccess:
      return "on_success";
    case config::ArtifactsWhen::kOnFailure:
      return "on_failure";
    case config::ArtifactsWhen::kAlways:
      return "always";
  }
  return "on_success";
}

/// Puts known values into texts that the runner expands once more.
class Expander {
 public:
  explicit Expander(const VariableIndex& variables) : variables_(variables) {}
  std::string operator()(const std::string& text) const {
    return has_reference(text) ? expand_for_runner(text, variables_) : text;
  }
  std::vector<std::string> operator()(const std::vector<std::string>& texts) const {
    std::vector<std::string> out;
    out.reserve(texts.size());
    for (const auto& text : texts) out.push_back((*this)(text));
    return out;
  }

 private:
  const VariableIndex& variables_;
};

std::vector<JobStep> build_steps(const config::Job& job, Seconds timeout) {
  JobStep script{.name = "script", .script = job.before_script, .timeout = timeout};
  script.script.insert(script.script.end(), job.script.begin(), job.script.end());
  std::vector<JobStep> steps = {std::move(script)};
  if (!job.after_script.empty()) {
    steps.push_back({.name = "after_script",
                     .script = job.after_script,
                     .timeout = kAfterScriptTimeout,
                     .when = "always",
                     .allow_failure = true});
  }
  return steps;
}

JobImage build_image(const config::Image& image, const Expander& expand) {
  JobImage out;
  out.name = expand(image.name);
  out.entrypoint = image.entrypoint;
  out.pull_policy = image.pull_policy;
  out.user = expand(image.user);
  out.platform = expand(image.platform);
  return out;
}

JobImage build_service(const config::Service& service, const Expander& expand) {
  JobImage out = build_image(service.image, expand);
  out.aliases = expand(service.aliases);
  out.command = service.command;
  out.variables = to_job_variables(service.variables);
  for (auto& variable : out.variables) {
    if (!variable.raw) variable.value = expand(variable.value);
  }
  return out;
}

JobArtifacts build_report(std::string_view keyword, const std::vector<std::string>& paths,
                          const config::Artifacts& artifacts, const Expander& expand) {
  JobArtifacts out;
  const auto* const form = std::ranges::find(kReportForms, keyword, &ReportForm::keyword);
  const bool known = form != kReportForms.end();
  out.name = known ? std::string(form->file) : "gl-" + std::string(keyword) + "-report.json";
  out.type = known ? form->type : keyword;
  out.format = known ? form->format : "raw";
  out.paths = expand(paths);
  out.when = "always";
  out.expire_in = artifacts.expire_in;
  out.never_expires = artifacts.never_expires;
  return out;
}

std::vector<JobArtifacts> build_artifacts(const config::Artifacts& artifacts, const Expander& expand) {
  std::vector<JobArtifacts> out;
  if (artifacts.untracked || !artifacts.paths.empty()) {
    JobArtifacts archive;
    archive.name = artifacts.name.empty() ? "artifacts" : expand(artifacts.name);
    archive.untracked = artifacts.untracked;
    archive.paths = expand(artifacts.paths);
    archive.exclude = expand(artifacts.exclude);
    archive.when = to_word(artifacts.when);
    archive.expire_in = artifacts.expire_in;
    archive.never_expires = artifacts.never_expires;
    out.push_back(std::move(archive));
  }
  const auto& reports = artifacts.reports;
  if (!reports.junit.empty()) out.push_back(build_report("junit", reports.junit, artifacts, expand));
  if (!reports.dotenv.empty()) out.push_back(build_report("dotenv", reports.dotenv, artifacts, expand));
  for (const auto& [keyword, paths] : reports.other) {
    out.push_back(build_report(keyword, paths, artifacts, expand));
  }
  return out;
}

std::string cache_key(const config::Cache& cache, const Context& context, const Expander& expand) {
  if (cache.key_files.empty()) return cache.key.empty() ? "default" : expand(cache.key);
  std::string key = expand(cache.key_prefix);
  if (!key.empty()) key += '-';
  std::optional<std::string> word;
  if (context.files_key) word = context.files_key(expand(cache.key_files));
  return key + word.value_or("default");
}

JobCache build_cache(const config::Cache& cache, const Context& context, const Expander& expand) {
  JobCache out;
  out.key = cache_key(cache, context, expand);
  out.untracked = cache.untracked;
  out.policy = cache.policy.empty() ? "pull-push" : expand(cache.policy);
  out.paths = expand(cache.paths);
  out.when = to_word(cache.when);
  out.fallback_keys = expand(cache.fallback_keys);
  return out;
}

GitInfo build_git(const Context& context, const VariableIndex& variables) {
  GitInfo git;
  git.ref = context.ref;
  git.sha = context.sha;
  git.before_sha = context.before_sha.empty() ? std::string(40, '0') : context.before_sha;
  git.is_tag = context.is_tag;
  if (const auto* depth = variables.find("GIT_DEPTH")) {
    const auto number = parse_integer(depth->value);
    if (number && *number >= 0 && *number <= 1'000'000) git.depth = static_cast<int>(*number);
  }
  const std::string ref = context.ref;
  if (git.depth == 0) {
    git.refspecs = {"+refs/heads/*:refs/remotes/origin/*", "+refs/tags/*:refs/tags/*"};
  } else if (context.is_tag) {
    git.refspecs = {"+refs/tags/" + ref + ":refs/tags/" + ref};
  } else {
    git.refspecs = {"+refs/heads/" + ref + ":refs/remotes/origin/" + ref};
  }
  return git;
}

std::string expand_name(const std::string& text, const VariableIndex& expanded, Undefined undefined) {
  return has_reference(text) ? expand_text(text, expanded, undefined) : text;
}

/// What the server itself reads: tags, environment, resource group.
void expand_planned(Draft& draft, const VariableIndex& expanded) {
  auto& planned = draft.planned;
  for (const auto& tag : draft.job->tags) {
    planned.tags.push_back(expand_name(tag, expanded, Undefined::kKeep));
  }
  planned.resource_group = expand_name(draft.job->resource_group, expanded, Undefined::kBlank);
  if (!draft.job->environment) return;
  auto& environment = planned.environment.emplace(*draft.job->environment);
  environment.name = expand_name(environment.name, expanded, Undefined::kBlank);
  environment.url = expand_name(environment.url, expanded, Undefined::kKeep);
}

}  // namespace

Status build_message(Draft& draft, VariableScope& variables, const Context& context) {
  const config::Job& job = *draft.job;
  JobMessage& message = draft.planned.message;
  TG_TRY(const auto* expanded, variables.expanded());
  expand_planned(draft, *expanded);

  TG_TRY(message.variables, expand_variables(variables.all(), ExpandFor::kRunner));
  const VariableIndex index(message.variables);
  const Expander expand(index);
  for (const auto& variable : draft.yaml) {
    if (const auto* found = index.find(variable.key)) draft.planned.yaml_variables.push_back(*found);
  }
  message.name = job.name;
  message.stage = job.stage;
  message.git = build_git(context, index);
  message.timeout = job.timeout.value_or(context.default_timeout);
  message.steps = build_steps(job, message.timeout);
  if (job.image) message.image = build_image(*job.image, expand);
  for (const auto& service : job.services) message.services.push_back(build_service(service, expand));
  if (job.artifacts) message.artifacts = build_artifacts(*job.artifacts, expand);
  for (const auto& cache : job.cache) message.cache.push_back(build_cache(cache, context, expand));
  message.tags = draft.planned.tags;
  return {};
}

}  // namespace tidegate::pipeline
