// API v4: projects, pipelines, jobs, variables. (docs.gitlab.com/api)
#include <algorithm>

#include <boost/json.hpp>
#include <fmt/core.h>

#include "adapters/http/api/context.h"
#include "adapters/http/api/views.h"
#include "base/text.h"
#include "pipeline/predefined.h"
#include "sys/file.h"

namespace tidegate::http::api {
namespace {

namespace json = boost::json;
using app::Project;
using app::Server;

struct Page {
  std::int64_t page = 1;
  std::int64_t per_page = 20;
};

Page page_of(const Request& request) {
  const auto number = [&](const char* name, std::int64_t otherwise) -> std::int64_t {
    const auto text = request.query_value(name);
    const auto value = text ? parse_integer(*text) : std::nullopt;
    return value && *value > 0 ? *value : otherwise;
  };
  // Bounded, so that page times per_page stays a number.
  return {std::min<std::int64_t>(number("page", 1), 1'000'000'000),
          std::min<std::int64_t>(number("per_page", 20), 100)};
}

// The same question for another page; a token that stood in the address does not go into an answer.
std::string page_url(const Request& request, std::int64_t number, const Page& page) {
  std::string out = "http://" + request.header("host").value_or("localhost") + request.raw_path +
                    "?page=" + std::to_string(number) + "&per_page=" + std::to_string(page.per_page);
  for (const auto& [name, value] : request.query) {
    if (name == "page" || name == "per_page" || name == "private_token" || name == "job_token") continue;
    out += "&" + percent_encode(name) + "=" + percent_encode(value);
  }
  return out;
}

// The headers by which clients go on to the next page: API v4, "Offset-based pagination".
Response paged(const Request& request, const Page& page, json::array items, std::int64_t total) {
  const std::int64_t pages = std::max<std::int64_t>(1, (total + page.per_page - 1) / page.per_page);
  const bool more = page.page < pages;
  if (items.size() > static_cast<std::size_t>(page.per_page))
    items.resize(static_cast<std::size_t>(page.per_page));
  Response response = json_response(200, items);
  const auto header = [&](const char* name, std::string value) {
    response.headers.emplace_back(name, std::move(value));
  };
  header("X-Total", std::to_string(total));
  header("X-Total-Pages", std::to_string(pages));
  header("X-Page", std::to_string(page.page));
  header("X-Per-Page", std::to_string(page.per_page));
  header("X-Next-Page", more ? std::to_string(page.page + 1) : "");
  header("X-Prev-Page", page.page > 1 ? std::to_string(page.page - 1) : "");
  std::string links;
  const auto link = [&](std::int64_t number, const char* relation) {
    links += (links.empty() ? "<" : ", <") + page_url(request, number, page) + ">; rel=\"" + relation + "\"";
  };
  if (page.page > 1) link(page.page - 1, "prev");
  if (more) link(page.page + 1, "next");
  link(1, "first");
  link(pages, "last");
  header("Link", links);
  return response;
}

// The filters of the list of pipelines; others are not looked at.
Result<app::PipelineFilter> filter_of(const Request& request) {
  app::PipelineFilter filter;
  filter.ref = request.query_value("ref").value_or("");
  filter.sha = request.query_value("sha").value_or("");
  filter.source = request.query_value("source").value_or("");
  if (const auto status = request.query_value("status"); status && !status->empty()) {
    filter.status = pipeline::parse_job_status(*status);
    if (!filter.status) return fail(Errc::kInvalid, "status does not have a valid value");
  }
  return filter;
}

Result<std::int64_t> number_param(const Request& request, const char* name, const char* what) {
  const auto number = parse_integer(request.param(name));
  if (!number) return fail(Errc::kNotFound, std::string("404 ") + what + " Not Found");
  return *number;
}

Result<PipelineId> pipeline_param(const Request& request) {
  TG_TRY(const auto id, number_param(request, "pid", "Pipeline"));
  return PipelineId{id};
}
Result<JobId> job_param(const Request& request) {
  TG_TRY(const auto id, number_param(request, "jid", "Job"));
  return JobId{id};
}

Result<Response> show_job(Server& server, const app::Job& job, unsigned status) {
  TG_TRY(const auto pipeline, server.pipeline(job.project, job.pipeline));
  TG_TRY(const auto artifacts, server.artifacts(job.state.id));
  return json_response(status, job_view(job, pipeline, artifacts, server.ports().settings.external_url));
}

// The mean of its jobs', as GitLab gives it: a text with two digits.
json::value coverage_of(Server& server, const app::Pipeline& pipeline) {
  const auto jobs = server.jobs(pipeline.id);
  if (!jobs) return nullptr;
  double sum = 0;
  int count = 0;
  for (const app::Job& job : *jobs) {
    if (job.state.retried || !job.coverage) continue;
    sum += *job.coverage;
    ++count;
  }
  return count == 0 ? json::value(nullptr) : json::value(fmt::format("{:.2f}", sum / count));
}

Response show_pipeline(Server& server, const app::Pipeline& pipeline, unsigned status) {
  json::value view = pipeline_view(pipeline, server.ports().settings.external_url);
  view.as_object()["coverage"] = coverage_of(server, pipeline);
  return json_response(status, view);
}

// GitLab says 403 where ours is a conflict of states.
Error as_forbidden(Error error) {
  if (error.code == Errc::kConflict) error.message = "403 Forbidden - " + error.message;
  return error;
}

Result<json::value> downstream_view(Server& server, const app::Job& bridge) {
  if (!bridge.downstream) return json::value(nullptr);
  TG_TRY(const auto pipeline, server.pipeline(bridge.downstream));
  return pipeline_view(pipeline, server.ports().settings.external_url);
}

// Trigger jobs have a list of their own, as on GitLab.
Result<Response> list_jobs(Server& server, const Request& request, const Project& project, bool bridges) {
  TG_TRY(const auto id, pipeline_param(request));
  TG_TRY(const auto pipeline, server.pipeline(project.id, id));
  TG_TRY(const auto jobs, server.jobs(id));
  const bool retried = request.query_value("include_retried") == "true";
  const Page page = page_of(request);
  json::array out;
  std::int64_t skip = (page.page - 1) * page.per_page;
  std::int64_t total = 0;
  for (const app::Job& job : jobs) {
    if (job.state.retried && !retried) continue;
    if (job.bridge.has_value() != bridges) continue;
    ++total;
    if (skip-- > 0 || out.size() == static_cast<std::size_t>(page.per_page)) continue;
    TG_TRY(const auto artifacts, server.artifacts(job.state.id));
    auto view = job_view(job, pipeline, artifacts, server.ports().settings.external_url);
    if (bridges) {
      TG_TRY(view.as_object()["downstream_pipeline"], downstream_view(server, job));
    }
    out.push_back(std::move(view));
  }
  return paged(request, page, std::move(out), total);
}

void add_project_routes(Router& router, Server& server) {
  router.add("GET", "/api/v4/version", answering([](const Request&) -> Result<Response> {
               return json_response(
                   200, json::object{{"version", pipeline::kGitlabVersion}, {"revision", "tidegate"}});
             }));
  router.add("GET", "/api/v4/projects", answering([&server](const Request& request) -> Result<Response> {
               TG_TRY(const auto token, server.authenticate(token_of(request)));
               TG_TRY(const auto projects, server.projects());
               json::array out;
               for (const Project& project : projects) {
                 if (Access{token}.may_use(project.id))
                   out.push_back(project_view(project, server.ports().settings.external_url));
               }
               return json_response(200, out);
             }));
  router.add("POST", "/api/v4/projects", answering([&server](const Request& request) -> Result<Response> {
               TG_TRY(const auto token, server.authenticate(token_of(request)));
               if (token.kind != app::TokenKind::kAdmin)
                 return fail(Errc::kDenied, "only an admin token makes projects");
               TG_TRY(auto parameters, parameters_of(request));
               if (!parameters.contains("path")) return fail(Errc::kInvalid, "path is missing");
               const std::string branch =
                   parameters.contains("default_branch") ? parameters["default_branch"] : "main";
               TG_TRY(const auto project, server.create_project(parameters["path"], branch));
               return json_response(201, project_view(project, server.ports().settings.external_url));
             }));
  router.add("GET", "/api/v4/projects/:id",
             in_project(server, [&server](const Request&, const Project& project) -> Result<Response> {
               return json_response(200, project_view(project, server.ports().settings.external_url));
             }));
}

void add_pipeline_routes(Router& router, Server& server) {
  const std::string base = "/api/v4/projects/:id/pipelines";
  router.add(
      "GET", base,
      in_project(server, [&server](const Request& request, const Project& project) -> Result<Response> {
        const Page page = page_of(request);
        TG_TRY(const auto filter, filter_of(request));
        TG_TRY(const auto total, server.count_pipelines(project.id, filter));
        TG_TRY(const auto pipelines,
               server.pipelines(project.id, filter, page.per_page, (page.page - 1) * page.per_page));
        json::array out;
        for (const auto& p : pipelines) out.push_back(pipeline_view(p, server.ports().settings.external_url));
        return paged(request, page, std::move(out), total);
      }));
  router.add("GET", base + "/latest",
             in_project(server, [&server](const Request&, const Project& project) -> Result<Response> {
               TG_TRY(const auto pipelines, server.pipelines(project.id, {}, 1, 0));
               if (pipelines.empty()) return fail(Errc::kNotFound, "404 Pipeline Not Found");
               return show_pipeline(server, pipelines.front(), 200);
             }));
  router.add(
      "GET", base + "/:pid",
      in_project(server, [&server](const Request& request, const Project& project) -> Result<Response> {
        TG_TRY(const auto id, pipeline_param(request));
        TG_TRY(const auto pipeline, server.pipeline(project.id, id));
        return show_pipeline(server, pipeline, 200);
      }));
  router.add("GET", base + "/:pid/jobs",
             in_project(server, [&server](const Request& request, const Project& project) {
               return list_jobs(server, request, project, false);
             }));
  router.add("GET", base + "/:pid/bridges",
             in_project(server, [&server](const Request& request, const Project& project) {
               return list_jobs(server, request, project, true);
             }));
  router.add(
      "POST", base + "/:pid/cancel",
      in_project(server, [&server](const Request& request, const Project& project) -> Result<Response> {
        TG_TRY(const auto id, pipeline_param(request));
        TG_TRY(const auto pipeline, server.cancel_pipeline(project.id, id));
        return show_pipeline(server, pipeline, 200);
      }));
  router.add(
      "POST", base + "/:pid/retry",
      in_project(server, [&server](const Request& request, const Project& project) -> Result<Response> {
        TG_TRY(const auto id, pipeline_param(request));
        const auto pipeline = server.retry_pipeline(project.id, id);
        if (!pipeline) return as_forbidden(pipeline.error());
        return show_pipeline(server, *pipeline, 201);
      }));
}

Result<Response> trace(Server& server, const Request& request, const Project& project) {
  TG_TRY(const auto id, job_param(request));
  TG_TRY(const auto job, server.job(project.id, id));
  auto text = sys::read_file(server.log_path(job.state.id), 512U << 20U);
  if (!text && text.error().code != Errc::kNotFound) return text.error();
  return Response::text(200, text ? std::move(*text) : std::string());
}

Result<Response> archive(Server& server, const Request& request, const Project& project) {
  TG_TRY(const auto id, job_param(request));
  TG_TRY(const auto job, server.job(project.id, id));
  TG_TRY(const auto artifacts, server.artifacts(job.state.id));
  if (job.options.artifacts_access == "none")
    return json_response(403, json::object{{"message", "403 Forbidden - artifacts:access is none"}});
  const std::string type = request.query_value("file_type").value_or("archive");
  const auto found = std::ranges::find(artifacts, type, &app::Artifact::type);
  if (found == artifacts.end()) return fail(Errc::kNotFound, "404 Not Found");
  TG_TRY(auto bytes, sys::read_file(found->file, 1U << 30U));
  Response response;
  const std::string_view media = found->format == "zip"    ? "application/zip"
                                 : found->format == "gzip" ? "application/gzip"
                                                           : "application/octet-stream";
  response.headers = {{"Content-Type", std::string(media)},
                      {"Content-Disposition", "attachment; filename=\"" + found->file_name + "\""}};
  response.body = std::move(bytes);
  return response;
}

void add_job_routes_v4(Router& router, Server& server) {
  const std::string base = "/api/v4/projects/:id/jobs/:jid";
  router.add(
      "GET", base,
      in_project(server, [&server](const Request& request, const Project& project) -> Result<Response> {
        TG_TRY(const auto id, job_param(request));
        TG_TRY(const auto job, server.job(project.id, id));
        return show_job(server, job, 200);
      }));
  router.add("GET", base + "/trace",
             in_project(server, [&server](const Request& request, const Project& project) {
               return trace(server, request, project);
             }));
  router.add("GET", base + "/artifacts",
             in_project(server, [&server](const Request& request, const Project& project) {
               return archive(server, request, project);
             }));
  using ActOnJob = Result<app::Job> (Server::*)(ProjectId, JobId);
  const auto act = [&](const char* name, ActOnJob method, unsigned status) {
    router.add("POST", base + "/" + name,
               in_project(server,
                          [&server, method, status](const Request& request,
                                                    const Project& project) -> Result<Response> {
                            TG_TRY(const auto id, job_param(request));
                            const auto job = (server.*method)(project.id, id);
                            if (!job) return as_forbidden(job.error());
                            return show_job(server, *job, status);
                          }));
  };
  act("cancel", &Server::cancel_job, 201);
  act("retry", &Server::retry_job, 201);
  act("play", &Server::play_job, 200);
}

Result<Response> save_variable(Server& server, const Request& request, const Project& project,
                               std::string key, unsigned status) {
  TG_TRY(auto p, parameters_of(request));
  if (key.empty()) key = p["key"];
  const bool good_key = !key.empty() && std::ranges::all_of(key, [](char c) {
    return c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  });
  if (!good_key) return fail(Errc::kInvalid, "key: letters, digits and '_' only");
  if (!p.contains("value")) return fail(Errc::kInvalid, "value is missing");
  app::ProjectVariable variable{key,
                                p["value"],
                                p["masked"] == "true",
                                p["protected"] == "true",
                                p["raw"] == "true",
                                p["variable_type"] == "file"};
  if (variable.masked &&
      (variable.value.size() < 8 || variable.value.find_first_of(" \n\r\t") != std::string::npos)) {
    return fail(Errc::kInvalid, "value: a masked value has at least 8 characters and no white space");
  }
  TG_CHECK(server.set_variable(project.id, variable));
  return json_response(status, variable_view(variable));
}

void add_variable_routes(Router& router, Server& server) {
  const std::string base = "/api/v4/projects/:id/variables";
  router.add("GET", base,
             in_project(server, [&server](const Request&, const Project& project) -> Result<Response> {
               TG_TRY(const auto variables, server.variables(project.id));
               json::array out;
               for (const auto& v : variables) out.push_back(variable_view(v));
               return json_response(200, out);
             }));
  router.add("POST", base, in_project(server, [&server](const Request& request, const Project& project) {
               return save_variable(server, request, project, "", 201);
             }));
  router.add("PUT", base + "/:key",
             in_project(server, [&server](const Request& request, const Project& project) {
               return save_variable(server, request, project, request.param("key"), 200);
             }));
  router.add(
      "DELETE", base + "/:key",
      in_project(server, [&server](const Request& request, const Project& project) -> Result<Response> {
        TG_CHECK(server.remove_variable(project.id, request.param("key")));
        Response response;
        response.status = 204;
        return response;
      }));
}

}  // namespace

void add_gitlab_routes(Router& router, app::Server& server) {
  add_project_routes(router, server);
  add_pipeline_routes(router, server);
  add_job_routes_v4(router, server);
  add_variable_routes(router, server);
  add_resource_routes(router, server);
}

}  // namespace tidegate::http::api
