// Lineage: where things came from, whether the records are whole, and the records for others.
#include <boost/json.hpp>
#include <fmt/core.h>

#include "adapters/http/api/context.h"
#include "adapters/http/api/lineage_views.h"
#include "base/text.h"

namespace tidegate::http::api {
namespace {

namespace json = boost::json;
using app::Project;
using app::Server;

const std::string kProject = "/api/tidegate/v1/projects/:id";
constexpr std::int64_t kPage = 200;  // records in one answer of an export

Result<Response> lineage(Server& server, const Request& request, const Project& project) {
  const auto of = request.query_value("of");
  if (!of || of->empty())
    return fail(Errc::kInvalid,
                "of is missing: an object address, source/number, commit, #pipeline, digest, release or "
                "training run");
  TG_TRY(const auto found, server.lineage(project.id, *of));
  json::array out;
  for (const auto& one : found) out.push_back(lineage_view(one));
  return json_response(200, out);
}

// NUMBER:HASH, as `verify` prints the head.
Result<std::optional<lineage::Link>> known_link(const Request& request) {
  const auto text = request.query_value("known");
  if (!text) return std::optional<lineage::Link>();
  const auto parts = split(*text, ':');
  const auto number = parts.size() == 2 ? parse_integer(parts[0]) : std::nullopt;
  if (!number || *number < 1 || parts[1].size() != 64)
    return fail(Errc::kInvalid, "known should be NUMBER:HASH, as an earlier verification said");
  return std::optional(lineage::Link{*number, parts[1]});
}

Result<Response> verify(Server& server, const Request& request, const Project& project) {
  TG_TRY(const auto known, known_link(request));
  TG_TRY(const auto check, server.verify_lineage(project, known));
  json::value broken = nullptr;
  if (check.broken != 0) broken = {{"number", check.broken}, {"why", check.why}};
  return json_response(200, json::object{{"good", check.broken == 0},
                                         {"records", check.head.number},
                                         {"head", fmt::format("{}:{}", check.head.number, check.head.hash)},
                                         {"logs", check.logs},
                                         {"objects", check.objects},
                                         {"commits", check.commits},
                                         {"broken", broken}});
}

struct Wanted {
  bool is_slsa = false;
  bool is_signed = false;
  std::int64_t after = 0;
  std::optional<Instant> since;
};

Result<Wanted> wanted(const Request& request) {
  Wanted out;
  const std::string format = request.query_value("format").value_or("");
  if (format != "openlineage" && format != "slsa")
    return fail(Errc::kInvalid, "format is openlineage or slsa");
  out.is_slsa = format == "slsa";
  out.is_signed = request.query_value("signed").value_or("") == "true";
  if (out.is_signed && !out.is_slsa) return fail(Errc::kInvalid, "statements can be signed: format slsa");
  if (const auto after = request.query_value("after")) {
    const auto number = parse_integer(*after);
    if (!number || *number < 0) return fail(Errc::kInvalid, "after should be the number of a record");
    out.after = *number;
  }
  if (const auto since = request.query_value("since")) {
    out.since = parse_iso8601(*since);
    if (!out.since) return fail(Errc::kInvalid, "since should be a time: 2026-11-30T12:00:00Z");
  }
  return out;
}

Status add_items(const ReadEntry& read, const Wanted& wanted, const app::ServerPorts& ports,
                 json::array& items) {
  const std::string& url = ports.settings.external_url;
  if (!wanted.is_slsa) {
    for (auto& event : openlineage_events(read, url)) items.push_back(std::move(event));
    return {};
  }
  for (const auto& statement : provenance_statements(read, url)) {
    if (!wanted.is_signed) {
      items.push_back(statement);
      continue;
    }
    if (ports.signer == nullptr) return fail(Errc::kEnvironment, "the server has no key to sign with");
    TG_TRY(auto envelope, signed_statement(statement, *ports.signer));
    items.push_back(std::move(envelope));
  }
  return {};
}

// A page; "next" is what to give as `after` for the one that follows, null at the end.
Result<Response> export_records(Server& server, const Request& request, const Project& project) {
  TG_TRY(const auto wanted, api::wanted(request));
  TG_TRY(const auto entries, server.lineage_after(project.id, wanted.after, kPage));
  json::array items;
  for (const lineage::Entry& entry : entries) {
    if (wanted.since && entry.at < *wanted.since) continue;
    TG_TRY(const auto record, lineage::read_record(entry.body));
    TG_CHECK(add_items({entry, record}, wanted, server.ports(), items));
  }
  json::value next = nullptr;
  if (std::ssize(entries) == kPage) next = entries.back().link.number;
  return json_response(200, json::object{{"items", items}, {"next", next}});
}

Result<Response> key(Server& server, const Request& /*request*/, const Project& /*project*/) {
  const auto* signer = server.ports().signer;
  if (signer == nullptr) return fail(Errc::kEnvironment, "the server has no key to sign with");
  return json_response(200, json::object{{"key_id", signer->key_id()}, {"public_key", signer->public_key()}});
}

}  // namespace

void add_lineage_routes(Router& router, app::Server& server) {
  using Function = Result<Response> (*)(Server&, const Request&, const Project&);
  const auto add = [&](const char* method, const std::string& path, Function function) {
    router.add(method, kProject + path,
               in_project(server, [&server, function](const Request& request, const Project& project) {
                 return function(server, request, project);
               }));
  };
  add("GET", "/lineage", lineage);
  add("GET", "/lineage/verify", verify);
  add("GET", "/lineage/export", export_records);
  add("GET", "/lineage/key", key);
}

}  // namespace tidegate::http::api
