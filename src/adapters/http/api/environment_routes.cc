// API v4: environments, deployments, releases; and what checks id tokens (OpenID Connect Discovery 1.0).
#include <algorithm>

#include <boost/json.hpp>

#include "adapters/http/api/context.h"
#include "base/text.h"

namespace tidegate::http::api {
namespace {

namespace json = boost::json;
using app::Project;
using app::Server;

json::value when(const std::optional<Instant>& instant) {
  return instant ? json::value(format_iso8601(*instant)) : json::value(nullptr);
}

json::value text_or_null(const std::string& text) {
  if (text.empty()) return nullptr;
  return json::value(is_utf8(text) ? text : printable(text, 4096));
}

json::object environment_view(const app::EnvironmentRecord& e) {
  return {{"id", e.id},
          {"name", e.name},
          {"slug", e.slug},
          {"tier", e.tier},
          {"state", e.state},
          {"external_url", text_or_null(e.url)},
          {"auto_stop_at", when(e.auto_stop_at)},
          {"created_at", format_iso8601(e.created_at)},
          {"updated_at", format_iso8601(e.updated_at)}};
}

json::object deployment_view(const app::DeploymentRecord& d, const std::vector<app::EnvironmentRecord>& all) {
  const auto environment = std::ranges::find(all, d.environment, &app::EnvironmentRecord::id);
  return {{"id", d.id},
          {"ref", d.ref},
          {"tag", d.is_tag},
          {"sha", d.sha},
          {"status", d.status},
          {"created_at", format_iso8601(d.created_at)},
          {"updated_at", format_iso8601(d.updated_at)},
          {"environment",
           environment == all.end() ? json::value(nullptr) : json::value(environment_view(*environment))},
          {"deployable", {{"id", d.job.value()}, {"pipeline", {{"id", d.pipeline.value()}}}}}};
}

json::object release_record_view(const app::ReleaseRecord& r) {
  json::array links;
  for (const config::ReleaseLink& link : r.release.links)
    links.push_back({{"name", link.name},
                     {"url", link.url},
                     {"filepath", text_or_null(link.filepath)},
                     {"link_type", link.type.empty() ? "other" : link.type}});
  return {{"tag_name", r.release.tag_name},
          {"name", r.release.name},
          {"description", text_or_null(r.release.description)},
          {"created_at", format_iso8601(r.created_at)},
          {"released_at", format_iso8601(r.released_at)},
          {"milestones", json::value_from(r.release.milestones)},
          {"commit", {{"id", r.sha}, {"short_id", r.sha.substr(0, 8)}}},
          {"assets", {{"links", links}}}};
}

Result<std::int64_t> environment_param(const Request& request) {
  const auto number = parse_integer(request.param("eid"));
  if (!number) return fail(Errc::kNotFound, "404 Environment Not Found");
  return *number;
}

Result<Response> list_environments(Server& server, const Request& request, const Project& project) {
  const auto name = request.query_value("name");
  const auto search = request.query_value("search");
  const auto states = request.query_value("states");
  TG_TRY(const auto all, server.environments(project.id));
  json::array out;
  for (const auto& e : all) {
    if (name && e.name != *name) continue;
    if (search && to_lower(e.name).find(to_lower(*search)) == std::string::npos) continue;
    if (states && e.state != *states) continue;
    out.push_back(environment_view(e));
  }
  return json_response(200, out);
}

Result<Response> list_deployments(Server& server, const Request& request, const Project& project) {
  const auto name = request.query_value("environment");
  const auto status = request.query_value("status");
  TG_TRY(const auto all, server.environments(project.id));
  std::int64_t wanted = 0;
  if (name) {
    const auto found = std::ranges::find(all, *name, &app::EnvironmentRecord::name);
    if (found == all.end()) return json_response(200, json::array());
    wanted = found->id;
  }
  TG_TRY(const auto deployments, server.deployments(project.id, wanted));
  json::array out;
  for (const auto& d : deployments)
    if (!status || d.status == *status) out.push_back(deployment_view(d, all));
  return json_response(200, out);
}

Result<Response> stop_environment(Server& server, const Request& request, const Project& project) {
  TG_TRY(const auto id, environment_param(request));
  TG_TRY(auto parameters, parameters_of(request));
  TG_TRY(const auto stopped, server.stop_environment(project.id, id, parameters["force"] == "true"));
  return json_response(200, environment_view(stopped));
}

Result<Response> remove_environment(Server& server, const Request& request, const Project& project) {
  TG_TRY(const auto id, environment_param(request));
  TG_CHECK(server.remove_environment(project.id, id));
  Response response;
  response.status = 204;
  return response;
}

Result<Response> show_release(Server& server, const Request& request, const Project& project) {
  TG_TRY(const auto releases, server.releases(project.id));
  for (const auto& r : releases)
    if (r.release.tag_name == request.param("tag")) return json_response(200, release_record_view(r));
  return fail(Errc::kNotFound, "404 Not Found");
}

void add_discovery_routes(Router& router, Server& server) {
  router.add("GET", "/oauth/discovery/keys", answering([&server](const Request&) -> Result<Response> {
               TG_TRY(auto keys, server.id_token_keys());
               return json_response(200, json::parse(keys));
             }));
  router.add("GET", "/.well-known/openid-configuration",
             answering([&server](const Request&) -> Result<Response> {
               TG_TRY(const auto keys, server.id_token_keys());
               const std::string& issuer = server.ports().settings.external_url;
               return json_response(200, json::object{{"issuer", issuer},
                                                      {"jwks_uri", issuer + "/oauth/discovery/keys"},
                                                      {"response_types_supported", {"id_token"}},
                                                      {"subject_types_supported", {"public"}},
                                                      {"id_token_signing_alg_values_supported", {"RS256"}}});
             }));
}

}  // namespace

void add_environment_routes(Router& router, Server& server) {
  const auto with = [&server](auto handler) {
    return in_project(server, [&server, handler](const Request& request, const Project& project) {
      return handler(server, request, project);
    });
  };
  const std::string base = "/api/v4/projects/:id";
  router.add("GET", base + "/environments", with(list_environments));
  router.add(
      "GET", base + "/environments/:eid",
      in_project(server, [&server](const Request& request, const Project& project) -> Result<Response> {
        TG_TRY(const auto id, environment_param(request));
        TG_TRY(const auto environment, server.environment(project.id, id));
        return json_response(200, environment_view(environment));
      }));
  router.add("POST", base + "/environments/:eid/stop", with(stop_environment));
  router.add("DELETE", base + "/environments/:eid", with(remove_environment));
  router.add("GET", base + "/deployments", with(list_deployments));
  router.add("GET", base + "/releases",
             in_project(server, [&server](const Request&, const Project& project) -> Result<Response> {
               TG_TRY(const auto releases, server.releases(project.id));
               json::array out;
               for (const auto& r : releases) out.push_back(release_record_view(r));
               return json_response(200, out);
             }));
  router.add("GET", base + "/releases/:tag", with(show_release));
  add_discovery_routes(router, server);
}

}  // namespace tidegate::http::api
