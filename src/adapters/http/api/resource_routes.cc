// API v4: resource groups. (docs.gitlab.com/api/resource_groups)
#include <boost/json.hpp>

#include "adapters/http/api/context.h"
#include "base/text.h"

namespace tidegate::http::api {
namespace {

namespace json = boost::json;

json::object group_view(const app::ResourceGroup& group) {
  return {{"id", group.id}, {"key", group.key}, {"process_mode", pipeline::to_string(group.mode)}};
}

Result<Response> change(app::Server& server, const Request& request, const app::Project& project) {
  TG_TRY(auto parameters, parameters_of(request));
  const auto mode = pipeline::parse_process_mode(parameters["process_mode"]);
  if (!mode) {
    return fail(Errc::kInvalid,
                "process_mode: one of unordered, oldest_first, newest_first, newest_ready_first");
  }
  const std::string key = request.param("key");
  TG_CHECK(server.set_process_mode(project.id, key, *mode));
  TG_TRY(const auto group, server.resource_group(project.id, key));
  return json_response(200, group_view(group));
}

}  // namespace

void add_resource_routes(Router& router, app::Server& server) {
  const std::string base = "/api/v4/projects/:id/resource_groups";
  router.add("GET", base,
             in_project(server, [&server](const Request&, const app::Project& project) -> Result<Response> {
               TG_TRY(const auto groups, server.resource_groups(project.id));
               json::array out;
               for (const auto& group : groups) out.push_back(group_view(group));
               return json_response(200, out);
             }));
  router.add(
      "GET", base + "/:key",
      in_project(server, [&server](const Request& request, const app::Project& project) -> Result<Response> {
        TG_TRY(const auto group, server.resource_group(project.id, request.param("key")));
        return json_response(200, group_view(group));
      }));
  router.add("PUT", base + "/:key",
             in_project(server, [&server](const Request& request, const app::Project& project) {
               return change(server, request, project);
             }));
}

}  // namespace tidegate::http::api
