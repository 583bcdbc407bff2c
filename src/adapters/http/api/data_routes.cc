// Tidegate's own API: data sources, dataset versions, and what people do to them.
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

json::object source_view(const config::DataSource& s, const Project& project) {
  json::array places;
  for (const auto& b : s.bind)
    places.push_back({{"file", b.file}, {"name", b.name}, {"marker", b.marker}, {"variable", b.variable}});
  return {{"name", s.name},
          {"source", s.source},
          {"quiet_seconds", s.quiet.count()},
          {"manifest", s.manifest},
          {"marker", s.marker},
          {"max_size", s.max_size},
          {"branch", s.branch.empty() ? project.default_branch : s.branch},
          {"bind", places}};
}

Result<Response> list_data(Server& server, const Request& request, const Project& project) {
  TG_TRY(const auto sources, server.sources(project.id));
  TG_TRY(const auto versions, server.versions(project.id, request.query_value("source").value_or(""), 100));
  TG_TRY(const auto pins, server.pins(project.id));
  json::array source_views;
  for (const auto& s : sources) {
    json::object view = source_view(s, project);
    view["pin"] = nullptr;
    for (const auto& pin : pins)
      if (pin.source == s.name) view["pin"] = action_view(pin);
    source_views.push_back(view);
  }
  json::array version_views;
  for (const auto& v : versions) version_views.push_back(version_view(v));
  TG_TRY(const auto contacts, server.contacts(project.id, request.query_value("source").value_or("")));
  json::array contact_views;
  for (const auto& c : contacts) contact_views.push_back(contact_view(c));
  return json_response(
      200, json::object{{"sources", source_views}, {"versions", version_views}, {"contacts", contact_views}});
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

Result<std::int64_t> number_of(const Request& request) {
  const auto number = parse_integer(request.param("number"));
  if (!number) return fail(Errc::kNotFound, "a version is named by its number: data/<source>/<number>");
  return *number;
}

// "these 14 events became version 7 because …"
json::object coalesced_view(const app::Version& version, const std::vector<app::EventRecord>& events) {
  return {{"events", events.size()}, {"version", version.number}, {"because", version.because}};
}

Result<Response> show_data(Server& server, const Request& request, const Project& project) {
  TG_TRY(const std::int64_t number, number_of(request));
  TG_TRY(const auto version, server.version(project.id, request.param("source"), number));
  TG_TRY(const auto events, server.events(project.id, version.source, version.id));
  TG_TRY(const auto actions, server.data_actions(project.id, version.source));
  TG_TRY(const auto members, server.members(version.id));
  TG_TRY(const auto deliveries, version.pipeline
                                    ? server.history(project.id, "", 1000)
                                    : Result<std::vector<app::Delivery>>(std::vector<app::Delivery>{}));
  json::object out = version_view(version).as_object();
  json::array event_views;
  for (const auto& e : events) event_views.push_back(event_view(e));
  out["events"] = event_views;
  out["coalesced"] = coalesced_view(version, events);
  json::array member_views;
  for (const auto& m : members) member_views.push_back(member_view(m));
  out["members"] = member_views;
  json::array action_views;
  for (const auto& a : actions)
    if (a.number == version.number) action_views.push_back(action_view(a));
  out["actions"] = action_views;
  TG_TRY(out["jobs"], jobs_of(server, version));
  TG_TRY(const auto gate, server.gate_record(version.id));
  out["diagnosis"] = gate ? gate_view(*gate) : json::value(nullptr);
  json::array delivery_views;
  for (const auto& d : deliveries) {
    if (d.pipeline == version.pipeline) delivery_views.push_back(delivery_view(d));
  }
  out["deliveries"] = delivery_views;
  return json_response(200, out);
}

Result<Response> list_events(Server& server, const Request& request, const Project& project) {
  TG_TRY(const auto events,
         server.events(project.id, request.query_value("source").value_or(""), VersionId{}));
  json::array out;
  for (const auto& e : events) out.push_back(event_view(e));
  return json_response(200, out);
}

Result<Response> list_actions(Server& server, const Request& request, const Project& project) {
  TG_TRY(const auto actions, server.data_actions(project.id, request.query_value("source").value_or("")));
  json::array out;
  for (const auto& a : actions) out.push_back(action_view(a));
  return json_response(200, out);
}

// Who: the token that was shown, which is all that we know of a person.
Result<Server::Deed> deed_of(Server& server, const Request& request, const Parameters& parameters) {
  TG_TRY(const auto token, server.authenticate(token_of(request)));
  const auto reason = parameters.find("reason");
  return Server::Deed{fmt::format("{} token #{}{}", app::to_string(token.kind), token.id,
                                  token.name.empty() ? "" : " (" + printable(token.name) + ")"),
                      reason == parameters.end() ? "" : reason->second};
}

// POST /data/:source/:number/<what>
using Act = Result<app::Version> (Server::*)(ProjectId, const std::string&, std::int64_t,
                                             const Server::Deed&);
template <Act kAct, unsigned kStatus>
Result<Response> do_to_version(Server& server, const Request& request, const Project& project) {
  TG_TRY(const std::int64_t number, number_of(request));
  TG_TRY(auto parameters, parameters_of(request));
  TG_TRY(const auto deed, deed_of(server, request, parameters));
  TG_TRY(const auto version, (server.*kAct)(project.id, request.param("source"), number, deed));
  return json_response(kStatus, version_view(version));
}

Result<Response> pin_data(Server& server, const Request& request, const Project& project) {
  TG_TRY(const std::int64_t number, number_of(request));
  TG_TRY(auto parameters, parameters_of(request));
  TG_TRY(const auto deed, deed_of(server, request, parameters));
  TG_CHECK(server.pin(project.id, request.param("source"), number, deed));
  return json_response(200, json::object{{"source", request.param("source")}, {"pin", number}});
}

Result<Response> unpin_data(Server& server, const Request& request, const Project& project) {
  TG_TRY(auto parameters, parameters_of(request));
  TG_TRY(const auto deed, deed_of(server, request, parameters));
  TG_CHECK(server.unpin(project.id, request.param("source"), deed));
  return json_response(200, json::object{{"source", request.param("source")}, {"pin", nullptr}});
}

Result<Response> backfill_data(Server& server, const Request& request, const Project& project) {
  TG_TRY(auto parameters, parameters_of(request));
  TG_TRY(const auto deed, deed_of(server, request, parameters));
  Server::Backfill which;
  which.match = parameters["match"];
  if (std::string since = parameters["since"]; !since.empty()) {
    if (since.size() == 10) since += "T00:00:00Z";
    which.since = parse_iso8601(since);
    if (!which.since) return fail(Errc::kInvalid, "since is no time: 2026-01-31 or 2026-01-31T10:00:00Z");
  }
  TG_TRY(const auto made, server.backfill(project.id, request.param("source"), which, deed));
  json::array out;
  for (const auto& version : made) out.push_back(version_view(version));
  return json_response(201, out);
}

}  // namespace

void add_data_routes(Router& router, app::Server& server) {
  using Function = Result<Response> (*)(Server&, const Request&, const Project&);
  const auto add = [&](const char* method, const std::string& path, Function function) {
    router.add(method, kProject + path,
               in_project(server, [&server, function](const Request& request, const Project& project) {
                 return function(server, request, project);
               }));
  };
  add("GET", "/data", list_data);
  add("GET", "/data/:source/:number", show_data);
  add("GET", "/events", list_events);
  add("GET", "/data-actions", list_actions);
  add("POST", "/data/:source/:number/replay", do_to_version<&Server::replay, 201>);
  add("POST", "/data/:source/:number/skip", do_to_version<&Server::skip, 200>);
  add("POST", "/data/:source/:number/quarantine", do_to_version<&Server::quarantine_data, 200>);
  add("POST", "/data/:source/:number/release", do_to_version<&Server::release_data, 200>);
  add("POST", "/data/:source/:number/pin", pin_data);
  add("POST", "/data/:source/unpin", unpin_data);
  add("POST", "/data/:source/backfill", backfill_data);
}

}  // namespace tidegate::http::api
