// Predefined variables that follow from the Context and the job. Source: GitLab docs "Predefined CI/CD
// variables", lib/gitlab/ci/variables/builder.rb.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "config/instances.h"
#include "pipeline/plan.h"

namespace tidegate::pipeline {

/// True for a branch; false for a tag and for a merge request.
bool is_branch(const Context& context);

/// CI, CI_COMMIT_*, CI_MERGE_REQUEST_*, CI_PIPELINE_SOURCE, …: the same for every job of the pipeline. Commit
/// texts are raw: a message may mention variables without becoming one. A merge request pipeline has the ref
/// as its source branch and the default branch as its target.
JobVariables pipeline_predefined(const Context& context);

/// What a project's variables are made of.
struct ProjectFacts {
  std::int64_t id = 0;
  std::string path;  ///< group/name
  std::string url;   ///< of the project; empty: there is no server
};

/// CI_PROJECT_*, without what only a server with users has.
JobVariables project_predefined(const ProjectFacts& project);

/// The GitLab whose language this is: what CI_SERVER_VERSION and the API say, for scripts that ask.
inline constexpr std::string_view kGitlabVersion = "17.0.0-tidegate";

/// CI_SERVER_*, CI_API_V4_URL. `url`: http(s)://host[:port]; empty: there is no server, only its name and
/// version are told.
JobVariables server_predefined(std::string_view url);

/// GITLAB_USER_*: who started the pipeline. Empty members give no variable.
struct UserFacts {
  std::string id;
  std::string login;
  std::string name;
  std::string email;
};
JobVariables user_predefined(const UserFacts& user);

/// CI_JOB_NAME, CI_JOB_STAGE, CI_NODE_INDEX, CI_NODE_TOTAL, CI_JOB_MANUAL, …
JobVariables job_predefined(const config::Instance& instance, config::When when);

/// CI_ENVIRONMENT_NAME, _SLUG, _ACTION, _TIER, _URL; `name` is the expanded name.
JobVariables environment_predefined(const config::Environment& environment, const std::string& name);

/// At most 24 characters for host names; a name that had to be changed gets a suffix that keeps it unique.
/// Source: lib/gitlab/slug/environment.rb.
std::string environment_slug(std::string_view name);

/// production, staging, testing, development or other, guessed from the name as GitLab does.
std::string environment_tier(std::string_view name);

}  // namespace tidegate::pipeline
