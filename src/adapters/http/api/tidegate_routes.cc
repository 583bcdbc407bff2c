// Tidegate's own API: /api/tidegate/v1.
#include <boost/json.hpp>
#include <fmt/core.h>

#include "adapters/http/api/context.h"
#include "adapters/http/api/views.h"
#include "app/server/log_excerpt.h"
#include "base/text.h"
#include "sys/file.h"

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
  TG_TRY(const std::string token, server.create_token(*kind, project.id, parameters["name"]));
  return json_response(
      201, json::object{{"token", token}, {"kind", app::to_string(*kind)}, {"name", parameters["name"]}});
}

Result<Response> list_tokens(Server& server, const Request&, const Project& project) {
  TG_TRY(const auto tokens, server.tokens(project.id));
  json::array out;
  for (const auto& t : tokens) {
    out.push_back({{"id", t.id},
                   {"kind", app::to_string(t.kind)},
                   {"name", t.name},
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

Result<Response> list_data(Server& server, const Request& request, const Project& project) {
  TG_TRY(const auto sources, server.sources(project.id));
  TG_TRY(const auto versions, server.versions(project.id, request.query_value("source").value_or(""), 100));
  json::array source_views;
  for (const auto& s : sources) {
    json::array places;
    for (const auto& b : s.bind) places.push_back({{"file", b.file}, {"name", b.name}, {"marker", b.marker}});
    source_views.push_back({{"name", s.name},
                            {"source", s.source},
                            {"quiet_seconds", s.quiet.count()},
                            {"branch", s.branch.empty() ? project.default_branch : s.branch},
                            {"bind", places}});
  }
  json::array version_views;
  for (const auto& v : versions) version_views.push_back(version_view(v));
  return json_response(200, json::object{{"sources", source_views}, {"versions", version_views}});
}

// Which jobs ran for a version, and for one that failed the line of its log that says why.
Result<json::array> jobs_of(Server& server, const app::Version& version) {
  json::array out;
  if (!version.pipeline) return out;
  TG_TRY(const auto jobs, server.jobs(version.pipeline));
  for (const app::Job& job : jobs) {
    json::object view{{"id", job.state.id.value()},
                      {"name", job.state.name},
                      {"stage", job.stage},
                      {"status", pipeline::to_string(job.state.status)},
                      {"retried", job.state.retried}};
    if (job.state.status == pipeline::JobStatus::kFailed) {
      view["failure_reason"] = job.state.failure_reason;
      const auto log = sys::read_file(server.log_path(job.state.id));
      const auto line = log ? app::failing_line(*log) : std::nullopt;
      if (line)
        view["log_line"] = {{"number", line->number},
                            {"text", is_utf8(line->text) ? line->text : printable(line->text)}};
    }
    out.push_back(view);
  }
  return out;
}

Result<Response> show_data(Server& server, const Request& request, const Project& project) {
  const auto number = parse_integer(request.param("number"));
  if (!number) return fail(Errc::kNotFound, "a version is named by its number: data/<source>/<number>");
  TG_TRY(const auto version, server.version(project.id, request.param("source"), *number));
  TG_TRY(const auto events, server.events(project.id, version.source, version.id));
  TG_TRY(const auto deliveries, version.pipeline
                                    ? server.history(project.id, "", 1000)
                                    : Result<std::vector<app::Delivery>>(std::vector<app::Delivery>{}));
  json::object out = version_view(version).as_object();
  TG_TRY(const auto gate, server.gate_record(version.id));
  out["diagnosis"] = gate ? gate_view(*gate) : json::value(nullptr);
  json::array event_views;
  for (const auto& e : events) event_views.push_back(event_view(e));
  out["events"] = event_views;
  TG_TRY(out["jobs"], jobs_of(server, version));
  json::array delivery_views;
  for (const auto& d : deliveries) {
    if (d.pipeline == version.pipeline) delivery_views.push_back(delivery_view(d));
  }
  out["deliveries"] = delivery_views;
  return json_response(200, out);
}

Result<Response> replay_data(Server& server, const Request& request, const Project& project) {
  const auto number = parse_integer(request.param("number"));
  if (!number) return fail(Errc::kNotFound, "a version is named by its number: data/<source>/<number>");
  TG_TRY(const auto version, server.replay(project.id, request.param("source"), *number));
  return json_response(201, version_view(version));
}

Result<Response> list_events(Server& server, const Request& request, const Project& project) {
  TG_TRY(const auto events,
         server.events(project.id, request.query_value("source").value_or(""), VersionId{}));
  json::array out;
  for (const auto& e : events) out.push_back(event_view(e));
  return json_response(200, out);
}

Result<Response> list_deliveries(Server& server, const Request& request, const Project& project) {
  TG_TRY(const auto deliveries, server.history(project.id, request.query_value("target").value_or(""), 100));
  TG_TRY(const auto quarantined, server.quarantined(project.id));
  json::array out;
  for (const auto& d : deliveries) out.push_back(delivery_view(d));
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
    return json_response(200, json::object{{"target", name}, {"kind", "release"}, {"releases", out}});
  }
  if (releases.error().code != Errc::kNotFound) return releases.error();
  const auto versions = server.deliveries().graph_versions(project.id, name);
  if (!versions) return versions.error().code == Errc::kNotFound ? releases.error() : versions.error();
  for (const auto& v : *versions) out.push_back(graph_version_view(v));
  return json_response(200, json::object{{"target", name}, {"kind", "graph"}, {"releases", out}});
}

Result<Response> roll_back(Server& server, const Request& request, const Project& project) {
  TG_TRY(auto parameters, parameters_of(request));
  if (!parameters.contains("target")) return fail(Errc::kInvalid, "target is missing");
  json::array lines;
  TG_TRY(const auto report, server.deliveries().roll_back_by_hand(
                                project.id, parameters["target"], parameters["to"],
                                [&](std::string_view line) { lines.push_back(json::string(line)); }));
  return json_response(report.good ? 200 : 422,
                       json::object{{"good", report.good}, {"message", report.message}, {"log", lines}});
}

Result<Response> lineage(Server& server, const Request& request, const Project& project) {
  const auto of = request.query_value("of");
  if (!of || of->empty())
    return fail(Errc::kInvalid,
                "of is missing: an object address, source/number, commit, #pipeline, digest or release");
  TG_TRY(const auto found, server.lineage(project.id, *of));
  json::array out;
  for (const auto& one : found) out.push_back(lineage_view(one));
  return json_response(200, out);
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
  add("POST", "/data/:source/:number/replay", replay_data);
  add("GET", "/data", list_data);
  add("GET", "/data/:source/:number", show_data);
  add("GET", "/events", list_events);
  add("GET", "/deliveries", list_deliveries);
  add("GET", "/releases/:target", list_releases);
  add("POST", "/rollback", roll_back);
  add("GET", "/lineage", lineage);
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
