// What an id token says of a job.
#pragma once

#include <string>
#include <vector>

#include "app/ports/id_tokens.h"
#include "config/definition.h"
#include "pipeline/job_message.h"

namespace tidegate::app {

/// Who asks for a token.
struct IdTokenSubject {
  std::string issuer;
  std::string project_path;  ///< group/name
  std::string ref;
  bool is_tag = false;
  /// The pipeline tests a data candidate: it must not be taken for the branch that it looks like.
  bool is_candidate = false;
  bool ref_protected = false;
  std::string pipeline_source;
  std::string sha;
  std::int64_t project = 0;
  std::int64_t pipeline = 0;
  std::int64_t job = 0;
  std::optional<config::Environment> environment;
  Instant now{};
  Seconds job_timeout{3600};
};

/// Source: GitLab docs "OpenID Connect (OIDC) Authentication Using ID Tokens", token payload. `id` must be
/// new for each token.
IdTokenClaims claims_of(const IdTokenSubject& subject, const std::vector<std::string>& audiences,
                        std::string id);

/// Signs each of the tokens and appends it as a masked variable.
Status append_id_tokens(IdTokenIssuer& issuer, const IdTokenSubject& subject,
                        const std::vector<config::IdToken>& tokens, pipeline::JobVariables& variables);

}  // namespace tidegate::app
