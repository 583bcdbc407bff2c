// Git over HTTP: clone, fetch and push at /<group>/<name>.git, with a project token as the password.
#include "adapters/http/api/context.h"
#include "adapters/http/cgi.h"

namespace tidegate::http::api {
namespace {

Response ask_for_password() {
  Response response =
      Response::text(401, "A project token is needed as the password: tidegate token create PROJECT\n");
  response.headers.emplace_back("WWW-Authenticate", "Basic realm=\"Tidegate\"");
  return response;
}

bool is_push(const Request& request) {
  return request.raw_path.ends_with("/git-receive-pack") ||
         request.query_value("service") == "git-receive-pack";
}

// A running job may fetch its own project with its own token.
bool job_may_read(app::Server& server, const std::string& token, ProjectId project) {
  const auto job = server.job_of_token(token);
  return job && job->project == project;
}

void serve(app::Server& server, Request request, Reply reply) {
  std::string path;
  for (const std::string& segment : request.segments) path += "/" + segment;
  const std::size_t end = path.find(".git/");
  if (end == std::string::npos) return reply.send(error_response(fail(Errc::kNotFound, "404 Not Found")));
  const auto project = server.project(path.substr(1, end - 1));
  const std::string token = token_of(request);
  const auto holder = server.authenticate(token);
  const bool full = project && holder && Access{*holder}.may_use(project->id);
  const bool push = is_push(request);
  if (!full && (push || !project || !job_may_read(server, token, project->id)))
    return reply.send(ask_for_password());
  GitBackend backend;
  backend.project_root = server.ports().settings.data / "repositories";
  const bool receives = request.raw_path.ends_with("/git-receive-pack");
  serve_git(backend, std::move(request), path, full ? "tidegate" : "", {}, std::move(reply));
  if (receives) server.pushed(*project);
}

}  // namespace

void add_git_routes(Router& router, app::Server& server) {
  router.add("*", "/*rest", [&server](Request request, Reply reply) {
    serve(server, std::move(request), std::move(reply));
  });
}

}  // namespace tidegate::http::api
