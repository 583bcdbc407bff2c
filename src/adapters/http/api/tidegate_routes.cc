// Tidegate's own API: /api/tidegate/v1.
#include <boost/json.hpp>
#include <fmt/core.h>

#include "adapters/http/api/context.h"
#include "adapters/http/api/views.h"
#include "base/text.h"

namespace tidegate::http::api {
namespace {

namespace json = boost::json;
using app::Project;
using app::Server;

const std::string kProject = "/api/tidegate/v1/projects/:id";

std::optional<app::TokenKind> token_kind(const std::string& word) {
  if (word == "project") return app::TokenKind::kProject;
  if (word == "trigger") return app::TokenKind::kTrigger;
  if (word == "hook") return app::TokenKind::kHook;
  return std::nullopt;
}

Result<Response> make_token(Server& server, const Request& request, const Project& project) {
  TG_TRY(auto parameters, parameters_of(request));
  const auto kind = token_kind(parameters["kind"]);
  if (!kind) return fail(Errc::kInvalid, "kind is one of project, trigger, hook");
  TG_TRY(const std::string token,
         server.create_token(*kind, project.id, parameters["name"], parameters["source"]));
  return json_response(201, json::object{{"token", token},
                                         {"kind", app::to_string(*kind)},
                                         {"name", parameters["name"]},
                                         {"source", parameters["source"]}});
}

Result<Response> list_tokens(Server& server, const Request&, const Project& project) {
  TG_TRY(const auto tokens, server.tokens(project.id));
  json::array out;
  for (const auto& t : tokens) {
    out.push_back({{"id", t.id},
                   {"kind", app::to_string(t.kind)},
                   {"name", t.name},
                   {"source", t.source},
                   {"created_at", format_iso8601(t.created_at)}});
  }
  return json_response(200, out);
}

Result<Response> revoke_token(Server& server, const Request& request, const Project& project) {
  const auto id = parse_integer(request.param("token"));
  if (!id) return fail(Errc::kNotFound, "tokens have numbers: see the list");
  TG_CHECK(server.revoke_token(project.id, *id));
  return json_response(200, json::object{{"id", *id}});
}

Result<Response> lift_quarantine(Server& server, const Request& request, const Project& project) {
  TG_CHECK(server.lift_quarantine(project.id, request.param("digest")));
  return json_response(200, json::object{{"digest", request.param("digest")}});
}

Result<Response> list_deliveries(Server& server, const Request& request, const Project& project) {
  TG_TRY(const auto stories, server.stories(project.id, request.query_value("target").value_or(""), 100));
  TG_TRY(const auto quarantined, server.quarantined(project.id));
  json::array out;
  for (const auto& s : stories) out.push_back(story_view(s));
  json::array bad;
  for (const auto& q : quarantined)
    bad.push_back({{"digest", q.digest}, {"reason", q.reason}, {"at", format_iso8601(q.at)}});
  return json_response(200, json::object{{"deliveries", out}, {"quarantined", bad}});
}

// What the host says, not what we remember.
Result<Response> list_releases(Server& server, const Request& request, const Project& project) {
  const std::string name = request.param("target");
  const auto releases = server.deliveries().releases(project.id, name);
  json::array out;
  if (releases) {
    for (const auto& r : *releases) out.push_back(release_view(r));
    json::object answer{{"target", name}, {"kind", "release"}, {"releases", out}};
    if (const auto drift = server.deliveries().last_drift(project.id, name))
      answer["drift"] = drift_view(*drift);
    return json_response(200, answer);
  }
  if (releases.error().code != Errc::kNotFound) return releases.error();
  const auto versions = server.deliveries().graph_versions(project.id, name);
  if (!versions) return versions.error().code == Errc::kNotFound ? releases.error() : versions.error();
  for (const auto& v : *versions) out.push_back(graph_version_view(v));
  return json_response(200, json::object{{"target", name}, {"kind", "graph"}, {"releases", out}});
}

// Asks the hosts, unless `last` is given: then what was found last.
Result<Response> show_drift(Server& server, const Request& request, const Project& project) {
  const std::string name = request.query_value("target").value_or("");
  json::array out;
  if (request.query_value("last")) {
    const auto last = server.deliveries().last_drift(project.id, name);
    if (!last) return fail(Errc::kNotFound, "target " + printable(name) + " was not compared yet");
    out.push_back(drift_view(*last));
    return json_response(200, json::object{{"targets", out}});
  }
  TG_TRY(const auto targets, server.deliveries().drift(project.id, name));
  for (const auto& target : targets) out.push_back(drift_view(target));
  return json_response(200, json::object{{"targets", out}});
}

Result<Response> roll_back(Server& server, const Request& request, const Project& project) {
  TG_TRY(auto parameters, parameters_of(request));
  if (!parameters.contains("target")) return fail(Errc::kInvalid, "target is missing");
  TG_TRY(const auto token, server.authenticate(token_of(request)));
  const std::string by = fmt::format("{} token {}", app::to_string(token.kind), printable(token.name));
  json::array lines;
  TG_TRY(const auto report, server.deliveries().roll_back_by_hand(
                                project.id, parameters["target"], parameters["to"], by,
                                [&](std::string_view line) { lines.push_back(json::string(line)); }));
  return json_response(report.good ? 200 : 422,
                       json::object{{"good", report.good}, {"message", report.message}, {"log", lines}});
}

}  // namespace

void add_tidegate_routes(Router& router, app::Server& server) {
  using Function = Result<Response> (*)(Server&, const Request&, const Project&);
  const auto add = [&](const char* method, const std::string& path, Function function) {
    router.add(method, kProject + path,
               in_project(server, [&server, function](const Request& request, const Project& project) {
                 return function(server, request, project);
               }));
  };
  add("POST", "/tokens", make_token);
  add("GET", "/tokens", list_tokens);
  add("DELETE", "/tokens/:token", revoke_token);
  add("DELETE", "/quarantine/:digest", lift_quarantine);
  add("GET", "/deliveries", list_deliveries);
  add("GET", "/releases/:target", list_releases);
  add("GET", "/drift", show_drift);
  add("POST", "/rollback", roll_back);
}

// The client in a job prints every line of the answer; the last one, "::exit N", is its exit code. An answer
// without it was cut short, and the client asks again.
namespace {

using Work = std::function<Result<app::DeliveryReport>(const std::function<void(std::string_view)>&)>;

void stream_report(Reply reply, const Work& work) {
  reply.start(200, {{"Content-Type", "text/plain; charset=utf-8"}});
  const auto say = [&](std::string_view line) { reply.write(std::string(line) + "\n"); };
  const auto report = work(say);
  if (!report && (report.error().code == Errc::kCanceled || report.error().code == Errc::kUnavailable)) {
    say(report.error().message);
    // Going down, or the host is out of reach for now: not an outcome. Without "::exit" the client tries
    // again.
    reply.finish();
    return;
  }
  say(report ? report->message : report.error().message);
  say(report && report->good ? "::exit 0" : "::exit 1");
  reply.finish();
}

}  // namespace

void add_job_routes(Router& router, app::Server& server) {
  const auto add = [&](const char* path, auto work) {
    router.add("POST", path, [&server, work](Request request, Reply reply) {
      if (!request.via_unix_socket) return reply.send(error_response(fail(Errc::kNotFound, "404 Not Found")));
      const auto parameters = parameters_of(request);
      if (!parameters) return reply.send(error_response(parameters.error()));
      const std::string token = token_of(request);
      stream_report(std::move(reply), [&](const std::function<void(std::string_view)>& say) {
        return work(server, token, *parameters, say);
      });
    });
  };
  using Say = std::function<void(std::string_view)>;
  const auto text = [](const Parameters& parameters, const char* name) {
    const auto found = parameters.find(name);
    return found == parameters.end() ? std::string() : found->second;
  };
  add("/api/tidegate/v1/job/deploy",
      [text](Server& s, const std::string& token, const Parameters& p, const Say& say) {
        return s.deliveries().deploy(token, text(p, "target"), say);
      });
  add("/api/tidegate/v1/job/load",
      [text](Server& s, const std::string& token, const Parameters& p, const Say& say) {
        return s.deliveries().load(token, text(p, "target"), text(p, "check") == "true", say);
      });
}

}  // namespace tidegate::http::api
