// POST /hooks/s3/<source>: an object store tells that objects were created. Answered 2xx only when it is
// durable.
#include <boost/json.hpp>

#include "adapters/http/api/context.h"
#include "base/log.h"
#include "base/secret.h"

namespace tidegate::http::api {
namespace {

namespace json = boost::json;

// AWS (API destinations, our Lambda) sends headers; MinIO an Authorization of one word as Bearer; some stores
// can only be given a URL, so the token may stand there.
std::string hook_token(const Request& request) {
  if (const auto token = request.query_value("token")) return *token;
  if (const auto token = request.header("x-tidegate-token")) return *token;
  return token_of(request);
}

Result<Response> take(app::Server& server, const RecordParser& parse, const Request& request) {
  const auto token = server.authenticate(hook_token(request));
  const bool allowed =
      token && (token->kind == app::TokenKind::kHook || token->kind == app::TokenKind::kAdmin);
  if (!allowed) {
    log::warn("hook", "{}: refused, wrong or missing hook token", request.remote);
    return fail(Errc::kDenied, "a hook token is needed: tidegate token create PROJECT --kind hook");
  }
  TG_TRY(const std::string body, request.body.text(1U << 20U));
  auto events = parse(body);
  if (!events) {
    log::warn("hook", "{}: {}", request.remote, events.error().message);
    return events.error();
  }
  // A test message or a deletion: taken whatever sources are known, or a store that sends one when it starts
  // would refuse to start before the project's first push.
  if (events->empty()) return json_response(202, json::object{{"new", 0}});
  TG_TRY(const auto accepted, server.announce(token->project, request.param("source"), *events));
  return json_response(202, json::object{{"new", accepted.fresh},
                                         {"duplicate", accepted.duplicate},
                                         {"superseded", accepted.superseded},
                                         {"filtered", accepted.filtered},
                                         {"members", accepted.members}});
}

}  // namespace

void add_hook_routes(Router& router, app::Server& server, RecordParser parse) {
  router.add("POST", "/hooks/s3/:source",
             answering([&server, parse = std::move(parse)](const Request& request) {
               return take(server, parse, request);
             }));
}

}  // namespace tidegate::http::api
