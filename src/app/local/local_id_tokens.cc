#include "app/local/local_id_tokens.h"

#include <fmt/core.h>

#include "app/server/id_token_claims.h"

namespace tidegate::app {

std::string add_id_tokens(IdTokenIssuer* issuer, const pipeline::PlannedJob& planned, Instant now,
                          pipeline::JobMessage& message) {
  if (planned.options.id_tokens.empty() || issuer == nullptr) return {};
  IdTokenSubject subject;
  subject.issuer = "https://localhost";
  subject.project_path = message.project_path;
  subject.ref = message.git.ref;
  subject.is_tag = message.git.is_tag;
  subject.pipeline_source = "local";
  subject.sha = message.git.sha;
  subject.pipeline = message.pipeline_id;
  subject.job = message.id.value();
  subject.environment = planned.environment.to_optional();
  subject.now = now;
  subject.job_timeout = message.timeout;
  const Status signed_all = append_id_tokens(*issuer, subject, planned.options.id_tokens, message.variables);
  return signed_all ? fmt::format("{}: its id tokens are signed with a key of this run, which nobody trusts",
                                  message.name)
                    : fmt::format("{}: {}", message.name, signed_all.error().message);
}

}  // namespace tidegate::app
