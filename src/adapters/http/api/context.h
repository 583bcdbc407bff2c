// What every API handler needs: the server, who asks, parameters from body or query, and how errors look.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include <boost/json/fwd.hpp>

#include "adapters/http/message.h"
#include "adapters/http/router.h"
#include "app/server/server.h"
#include "dataset/announcement.h"

namespace tidegate::http::api {

/// Parameters of a request, whatever form they came in: query, JSON object, urlencoded or multipart form.
/// `variables[K]=V` and {"variables": {"K": "V"}} are the entry "variables[K]"; an array of objects with key
/// and value likewise.
using Parameters = std::map<std::string, std::string>;

/// kInvalid when the body says that it is JSON and is not, or a value is neither text, number nor truth.
Result<Parameters> parameters_of(const Request& request);

/// The token that came with the request, in any of GitLab's ways: PRIVATE-TOKEN, JOB-TOKEN, Authorization:
/// Bearer, Basic (its password: Git), private_token and job_token in the query; empty when there is none.
std::string token_of(const Request& request);

/// HTTP status for an error.
unsigned status_of(Errc code);
/// {"message": "…"}
Response error_response(const Error& error);
Response json_response(unsigned status, const boost::json::value& value);

/// Who may do what. Admin tokens may do everything; project tokens everything in their project.
struct Access {
  app::Token token;
  bool may_use(ProjectId project) const {
    return token.kind == app::TokenKind::kAdmin ||
           (token.kind == app::TokenKind::kProject && token.project == project);
  }
};

/// A handler that answers with a value, and the wrapper that turns its error into a response.
using Answer = std::function<Result<Response>(const Request&)>;
Handler answering(Answer answer);

/// For routes below a project: finds it, checks the token, and turns errors into responses. Without rights
/// the project is "not found", so that names do not leak.
using ProjectAnswer = std::function<Result<Response>(const Request&, const app::Project&)>;
Handler in_project(app::Server& server, ProjectAnswer answer);

/// Routes, by subject. The server must outlive the router.
void add_gitlab_routes(Router& router, app::Server& server);  ///< API v4
/// API v4: environments, deployments, releases; OpenID discovery.
void add_environment_routes(Router& router, app::Server& server);
void add_lint_routes(Router& router, app::Server& server);      ///< API v4: ci/lint
void add_trigger_routes(Router& router, app::Server& server);   ///< API v4: triggers and pipelines by hand
void add_resource_routes(Router& router, app::Server& server);  ///< API v4: resource groups
void add_tidegate_routes(Router& router, app::Server& server);  ///< /api/tidegate/v1
void add_lineage_routes(Router& router, app::Server& server);   ///< /api/tidegate/v1/…/lineage
void add_data_routes(Router& router, app::Server& server);      ///< /api/tidegate/v1: data and events
/// What reads an object store's messages; handed in because adapters do not know each other. Thread-safe.
struct HookReaders {
  /// Out of whatever envelopes.
  std::function<Result<dataset::Announcement>(const std::string& body)> parse;
  /// The topic whose subscription this body asked to confirm; it is confirmed then. Nothing: another message.
  /// kDenied: a message of SNS whose signature is wrong. kUnavailable: SNS does not answer.
  std::function<Result<std::optional<std::string>>(const std::string& body)> notified;
};
/// /hooks
void add_hook_routes(Router& router, app::Server& server, HookReaders readers);
/// `tidegate deploy` and `tidegate load` inside jobs, over the job socket only.
void add_job_routes(Router& router, app::Server& server);
/// Git over HTTP, for every path that holds ".git/".
void add_git_routes(Router& router, app::Server& server);

}  // namespace tidegate::http::api
