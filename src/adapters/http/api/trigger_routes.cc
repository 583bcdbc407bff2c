// API v4: POST /projects/:id/trigger/pipeline, so that existing Lambdas work unchanged, and POST
// /projects/:id/pipeline. (docs.gitlab.com/ci/triggers)
#include <boost/json.hpp>

#include "adapters/http/api/context.h"
#include "adapters/http/api/views.h"
#include "base/text.h"
#include "config/inputs.h"

namespace tidegate::http::api {
namespace {

namespace json = boost::json;

pipeline::JobVariables variables_in(const Parameters& parameters) {
  pipeline::JobVariables out;
  for (const auto& [name, value] : parameters) {
    if (name.starts_with("variables[") && name.ends_with("]"))
      out.push_back({name.substr(10, name.size() - 11), value});
  }
  return out;
}

// inputs[NAME]=VALUE, or {"inputs": {"NAME": value}}: read as the configuration declares them.
config::GivenInputs inputs_in(const Parameters& parameters) {
  config::GivenInputs out;
  for (const auto& [name, value] : parameters) {
    if (name.starts_with("inputs[") && name.ends_with("]"))
      out.push_back(config::text_input(name.substr(7, name.size() - 8), value));
  }
  return out;
}

// The whole request but the token, for scripts that want it.
pipeline::JobVariable payload(const Parameters& parameters) {
  json::object body;
  for (const auto& [name, value] : parameters) {
    if (name != "token") body[name] = is_utf8(value) ? value : printable(value);
  }
  pipeline::JobVariable out{"TRIGGER_PAYLOAD", json::serialize(body)};
  out.file = true;
  out.raw = true;
  return out;
}

// No authentication header here: the trigger token says who asks. A wrong one and a wrong project look alike.
Result<Response> trigger(app::Server& server, const Request& request) {
  if (request.header("x-gitlab-event") == "Pipeline Hook") {
    return json_response(
        403, json::object{{"message", "403 Forbidden - a pipeline hook must not trigger a pipeline"}});
  }
  TG_TRY(auto parameters, parameters_of(request));
  if (!request.param("ref").empty()) parameters["ref"] = request.param("ref");
  if (!parameters.contains("token")) return fail(Errc::kInvalid, "token is missing");
  if (!parameters.contains("ref")) return fail(Errc::kInvalid, "ref is missing");
  const Error not_found = fail(Errc::kNotFound, "404 Not Found");
  const auto token = server.authenticate(parameters["token"]);
  const auto project = server.project(request.param("id"));
  if (!token || !project) return not_found;
  const bool allowed = token->kind == app::TokenKind::kTrigger && token->project == project->id;
  if (!allowed) return not_found;
  auto variables = variables_in(parameters);
  variables.push_back(payload(parameters));
  variables.push_back({"CI_PIPELINE_TRIGGERED", "true"});
  const auto pipeline =
      server.create_pipeline(project->id, parameters["ref"], "trigger", variables, inputs_in(parameters));
  if (!pipeline) {
    Error error = pipeline.error();
    if (error.code != Errc::kInvalid) return error;
    return json_response(400, json::object{{"message", {{"base", json::array{error.message}}}}});
  }
  return json_response(201, pipeline_view(*pipeline, server.ports().settings.external_url));
}

}  // namespace

void add_trigger_routes(Router& router, app::Server& server) {
  const auto answer = answering([&server](const Request& request) { return trigger(server, request); });
  router.add("POST", "/api/v4/projects/:id/trigger/pipeline", answer);
  router.add("POST", "/api/v4/projects/:id/ref/:ref/trigger/pipeline", answer);
  router.add(
      "POST", "/api/v4/projects/:id/pipeline",
      in_project(server, [&server](const Request& request, const app::Project& project) -> Result<Response> {
        TG_TRY(auto parameters, parameters_of(request));
        if (!parameters.contains("ref")) return fail(Errc::kInvalid, "ref is missing");
        TG_TRY(const auto pipeline, server.create_pipeline(project.id, parameters["ref"], "api",
                                                           variables_in(parameters), inputs_in(parameters)));
        return json_response(201, pipeline_view(pipeline, server.ports().settings.external_url));
      }));
}

}  // namespace tidegate::http::api
