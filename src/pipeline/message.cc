// The job message: what a runner is told. Source: GitLab's job request payload (runner-facing API), in
// app/presenters/ci/build_runner_presenter.rb and lib/gitlab/ci/build/.
#include <string>
#include <string_view>
#include <utility>

#include "base/text.h"
#include "pipeline/message_parts.h"
#include "pipeline/variables.h"

namespace tidegate::pipeline {
namespace {

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

/// Most names hold no reference, and then nothing has to be expanded for them.
Result<std::string> expand_name(const std::string& text, VariableScope& variables, Undefined undefined) {
  if (!has_reference(text)) return text;
  TG_TRY(const auto* expanded, variables.expanded());
  return expand_text(text, *expanded, undefined);
}

Result<std::vector<JobElsewhere>> build_elsewhere(const std::vector<config::Need>& needs,
                                                  VariableScope& variables) {
  std::vector<JobElsewhere> out;
  for (const auto& need : needs) {
    if (!need.elsewhere() || !need.artifacts) continue;
    JobElsewhere other;
    TG_TRY(other.job, expand_name(need.job, variables, Undefined::kKeep));
    TG_TRY(other.pipeline, expand_name(need.pipeline, variables, Undefined::kKeep));
    TG_TRY(other.project, expand_name(need.project, variables, Undefined::kKeep));
    TG_TRY(other.ref, expand_name(need.ref, variables, Undefined::kKeep));
    out.push_back(std::move(other));
  }
  return out;
}

/// What the server itself reads: tags, environment, resource group, jobs elsewhere.
Status expand_planned(Draft& draft, VariableScope& variables) {
  auto& planned = draft.planned;
  for (const auto& tag : draft.job->tags) {
    TG_TRY(planned.tags.emplace_back(), expand_name(tag, variables, Undefined::kKeep));
  }
  if (draft.needs != nullptr) {
    TG_TRY(planned.message.elsewhere, build_elsewhere(*draft.needs, variables));
  }
  TG_TRY(planned.resource_group, expand_name(draft.job->resource_group, variables, Undefined::kBlank));
  if (!draft.job->environment) return {};
  auto& environment = planned.environment.emplace(*draft.job->environment);
  TG_TRY(environment.name, expand_name(environment.name, variables, Undefined::kBlank));
  TG_TRY(environment.url, expand_name(environment.url, variables, Undefined::kKeep));
  TG_TRY(environment.auto_stop_in, expand_name(environment.auto_stop_in, variables, Undefined::kBlank));
  return {};
}

}  // namespace

Status outline_job(Draft& draft, VariableScope& variables) {
  const config::Job& job = *draft.job;
  TG_CHECK(expand_planned(draft, variables));
  TG_TRY(const auto* index, variables.for_runner());
  for (const auto& variable : draft.yaml) {
    if (const auto* found = index->find(variable.key)) draft.planned.yaml_variables.push_back(*found);
  }
  if (job.is_bridge()) build_bridge(draft, *index);
  if (job.image) draft.planned.message.image = build_image(*job.image, Expander(*index));
  return {};
}

Status build_message(Draft& draft, VariableScope& variables, const Context& context) {
  const config::Job& job = *draft.job;
  JobMessage& message = draft.planned.message;
  TG_TRY(message.variables, variables.list_for_runner());
  TG_TRY(const auto* index, variables.for_runner());
  const Expander expand(*index);
  message.name = draft.planned.name;
  message.stage = job.stage;
  message.git = build_git(context, *index);
  message.timeout = job.timeout.value_or(context.default_timeout);
  if (!job.is_bridge()) message.steps = build_steps(job, message.timeout);
  for (const auto& service : job.services) message.services.push_back(build_service(service, expand));
  message.artifacts = build_artifacts(job, expand);
  message.cache = build_caches(job, context, expand);
  message.tags = draft.planned.tags;
  build_services(job, context, expand, message);
  draft.planned.options = build_options(job, expand);
  return {};
}

}  // namespace tidegate::pipeline
