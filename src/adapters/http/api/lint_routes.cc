// API v4: GET and POST /projects/:id/ci/lint. (docs.gitlab.com/api/lint)
#include <boost/json.hpp>

#include "adapters/http/api/context.h"
#include "app/server/lint_commit.h"
#include "base/text.h"

namespace tidegate::http::api {
namespace {

namespace json = boost::json;
using app::CommitLint;
using app::Project;
using app::Server;

std::string safe(const std::string& text) {
  return is_utf8(text) ? text : printable(text, text.size() * 4 + 1);
}

json::array strings(const std::vector<std::string>& list) {
  json::array out;
  for (const auto& text : list) out.push_back(json::string(safe(text)));
  return out;
}

bool of_pipeline(const config::Diagnostic& found) {
  return found.place.file != "tidegate.yml";
}

// GitLab's words alone: `errors` of what makes the configuration invalid, `warnings` of the rest.
json::array messages(const CommitLint& lint, bool errors) {
  json::array out;
  for (const auto& found : lint.report.diagnostics) {
    const bool is_error = found.severity == config::Severity::kError && of_pipeline(found);
    if (is_error == errors) out.push_back(json::string(safe(found.message)));
  }
  return out;
}

json::object diagnostic_view(const config::Diagnostic& found) {
  json::array via;
  for (const auto& hop : found.via)
    via.push_back({{"what", safe(hop.what)}, {"file", safe(hop.place.file)}, {"line", hop.place.line}});
  return {{"severity", found.severity == config::Severity::kError ? "error" : "warning"},
          {"code", found.code},
          {"message", safe(found.message)},
          {"file", safe(found.place.file)},
          {"line", found.place.line},
          {"column", found.place.column},
          {"hint", safe(found.hint)},
          {"job", found.job.empty() ? json::value(nullptr) : json::value(safe(found.job))},
          {"via", std::move(via)}};
}

json::array includes_view(const CommitLint& lint) {
  json::array out;
  for (const auto& [file, place] : lint.loaded.origins.included_at)
    out.push_back({{"type", "local"}, {"location", safe(file)}, {"extra", json::object()}});
  return out;
}

json::object job_view(const config::Job& job) {
  return {{"name", safe(job.name)},
          {"stage", safe(job.stage)},
          {"before_script", strings(job.before_script)},
          {"script", strings(job.script)},
          {"after_script", strings(job.after_script)},
          {"tag_list", strings(job.tags)},
          {"environment", job.environment ? json::value(safe(job.environment->name)) : json::value(nullptr)},
          {"allow_failure", job.allow_failure && job.allow_failure->value}};
}

Response lint_response(const CommitLint& lint, bool with_jobs) {
  json::array diagnostics;
  for (const auto& found : lint.report.diagnostics) diagnostics.push_back(diagnostic_view(found));
  json::object out{{"valid", lint.report.valid},
                   {"errors", messages(lint, true)},
                   {"warnings", messages(lint, false)},
                   {"includes", includes_view(lint)},
                   {"diagnostics", std::move(diagnostics)}};
  const std::string merged = lint.loaded.merged();
  out["merged_yaml"] = merged.empty() ? json::value(nullptr) : json::value(safe(merged));
  if (with_jobs) {
    json::array jobs;
    if (lint.loaded.definition)
      for (const auto& job : lint.loaded.definition->jobs) jobs.push_back(job_view(job));
    out["jobs"] = std::move(jobs);
  }
  return json_response(200, out);
}

Result<Response> lint(Server& server, const Request& request, const Project& project, bool sent) {
  TG_TRY(auto parameters, parameters_of(request));
  app::CommitLintRequest what;
  for (const char* name : {"ref", "sha", "content_ref"})
    if (parameters.contains(name)) what.ref = parameters[name];
  if (sent && !parameters.contains("content")) return fail(Errc::kInvalid, "content is missing");
  if (sent) what.content = parameters["content"];
  TG_TRY(const auto answer, app::lint_commit(server.ports(), project, what));
  return lint_response(answer, parameters["include_jobs"] == "true");
}

}  // namespace

void add_lint_routes(Router& router, Server& server) {
  const std::string base = "/api/v4/projects/:id/ci/lint";
  router.add("GET", base, in_project(server, [&server](const Request& request, const Project& project) {
               return lint(server, request, project, false);
             }));
  router.add("POST", base, in_project(server, [&server](const Request& request, const Project& project) {
               return lint(server, request, project, true);
             }));
}

}  // namespace tidegate::http::api
