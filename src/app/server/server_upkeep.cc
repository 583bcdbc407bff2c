// What people ask of the server to keep it in order: tokens, quarantine, lists.

#include <fmt/core.h>

#include "app/server/server.h"
#include "base/sha256.h"

namespace tidegate::app {

Result<std::string> Server::create_token(TokenKind kind, ProjectId project, const std::string& name,
                                         const std::string& source) {
  if (!source.empty() && kind != TokenKind::kHook)
    return fail(Errc::kInvalid, "only hook tokens are for one source");
  const std::string token = fmt::format("tg{}-{}", to_string(kind), random_hex(20));
  TG_CHECK(ports_.loop.call([&]() -> Status {
    Token record;
    record.kind = kind;
    record.project = project;
    record.name = name;
    record.sha256 = sha256_hex(token);
    record.created_at = ports_.clock.now();
    record.source = source;
    if (kind == TokenKind::kHook) record.key = Secret(token);
    TG_CHECK(ports_.store.add_token(record));
    return {};
  }));
  return token;
}
Result<std::vector<Token>> Server::tokens(ProjectId project) {
  return ports_.loop.call([&] { return ports_.store.tokens(project); });
}
Status Server::revoke_token(ProjectId project, std::int64_t id) {
  return ports_.loop.call([&] { return ports_.store.remove_token(project, id); });
}

Result<std::vector<Pipeline>> Server::pipelines(ProjectId project, const PipelineFilter& filter,
                                                std::int64_t limit, std::int64_t offset) {
  return ports_.loop.call([&] { return ports_.store.pipelines(project, filter, limit, offset); });
}
Result<std::int64_t> Server::count_pipelines(ProjectId project, const PipelineFilter& filter) {
  return ports_.loop.call([&] { return ports_.store.count_pipelines(project, filter); });
}

Result<std::vector<Quarantined>> Server::quarantined(ProjectId project) {
  return ports_.loop.call([&] { return ports_.store.quarantined(project); });
}
Status Server::lift_quarantine(ProjectId project, const std::string& digest) {
  return ports_.loop.call([&] { return ports_.store.lift_quarantine(project, digest); });
}

}  // namespace tidegate::app
