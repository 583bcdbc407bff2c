// POST /hooks/s3/<source>: an object store tells that objects were created. Answered 2xx only when it is
// durable.
#include <chrono>

#include <boost/json.hpp>
#include <fmt/core.h>

#include "adapters/http/api/context.h"
#include "base/log.h"
#include "base/signed_body.h"
#include "base/text.h"

namespace tidegate::http::api {
namespace {

namespace json = boost::json;

constexpr std::uint64_t kMaxBody = 1U << 20U;

// AWS (API destinations, our Lambda) sends headers; MinIO an Authorization of one word as Bearer; some stores
// and SNS can only be given a URL, so the token may stand there.
std::string hook_token(const Request& request) {
  if (const auto token = request.query_value("token")) return *token;
  if (const auto token = request.header("x-tidegate-token")) return *token;
  return token_of(request);
}

struct Sender {
  app::Token token;
  bool has_signed = false;  ///< the body is theirs, not only the connection
};

// Either the token itself, or a signature under it with the token's SHA-256 to say which it is.
Result<Sender> sender_of(app::Server& server, const Request& request, const std::string& body) {
  const auto signature = request.header("x-tidegate-signature");
  if (!signature) {
    TG_TRY(const auto token, server.authenticate(hook_token(request)));
    return Sender{token, false};
  }
  const auto key = request.header("x-tidegate-key");
  if (!key) return fail(Errc::kDenied, "X-Tidegate-Key is missing: the SHA-256 of the token");
  TG_TRY(const auto token, server.token_of_hash(to_lower(*key)));
  const auto time = request.header("x-tidegate-timestamp").value_or("");
  TG_CHECK(verify_body(token.key.reveal(), time, *signature, body, server.ports().clock.now()));
  return Sender{token, true};
}

Status may_announce(const app::Token& token, const std::string& source) {
  const bool allowed = token.kind == app::TokenKind::kHook || token.kind == app::TokenKind::kAdmin;
  if (!allowed || (!token.source.empty() && token.source != source)) {
    return fail(Errc::kDenied, "a hook token for this source is needed: tidegate token create --kind hook");
  }
  return {};
}

app::Contact contact(const app::Token& token, const std::string& source, app::ContactKind kind,
                     std::string subject, std::string detail) {
  return {token.project, source, kind, "hook", std::move(subject), std::move(detail), 1, {}, {}};
}

Status note_tests(app::Server& server, const app::Token& token, const std::string& source,
                  const dataset::Announcement& message) {
  for (const auto& test : message.tests) {
    const std::string sent = test.sent_at ? ", sent " + format_iso8601(*test.sent_at) : "";
    TG_CHECK(server.note(contact(token, source, app::ContactKind::kTest, test.bucket,
                                 fmt::format("test event of {}{}", test.provider, sent))));
  }
  return {};
}

Result<Response> record(app::Server& server, const HookReaders& readers, const app::Token& token,
                        const std::string& source, const std::string& body) {
  TG_TRY(const auto message, readers.parse(body));
  // A test message or a deletion: taken whatever sources are known, or a store that sends one when it starts
  // would refuse to start before the project's first push.
  TG_CHECK(note_tests(server, token, source, message));
  if (message.events.empty()) return json_response(202, json::object{{"new", 0}});
  TG_TRY(const auto accepted, server.announce(token.project, source, message.events));
  return json_response(202, json::object{{"new", accepted.fresh},
                                         {"duplicate", accepted.duplicate},
                                         {"superseded", accepted.superseded},
                                         {"filtered", accepted.filtered},
                                         {"members", accepted.members}});
}

Result<Response> take(app::Server& server, const HookReaders& readers, const Request& request) {
  TG_TRY(const std::string body, request.body.text(kMaxBody));
  TG_TRY(const Sender sender, sender_of(server, request, body));
  const std::string source = request.param("source");
  TG_CHECK(may_announce(sender.token, source));
  if (!sender.has_signed) {
    TG_TRY(const auto topic, readers.notified(body));
    if (topic) {
      log::info("hook", "subscribed to {}", printable(*topic));
      TG_CHECK(server.note(contact(sender.token, source, app::ContactKind::kSubscribed, *topic,
                                   "the topic's subscription was confirmed")));
      return json_response(202, json::object{{"new", 0}});
    }
  }
  return record(server, readers, sender.token, source, body);
}

}  // namespace

void add_hook_routes(Router& router, app::Server& server, HookReaders readers) {
  router.add("POST", "/hooks/s3/:source",
             answering([&server, readers = std::move(readers)](const Request& request) -> Result<Response> {
               auto response = take(server, readers, request);
               if (!response && response.error().code != Errc::kCanceled) {
                 log::warn("hook", "{}: {}", request.remote, response.error().message);
               }
               return response;
             }));
}

}  // namespace tidegate::http::api
