// IdTokenIssuer: signs the tokens of `id_tokens:`, by which a job shows other services who it is.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace tidegate::app {

/// What a token says. Source: OpenID Connect Core, section 2; GitLab docs "ID token authentication", payload.
struct IdTokenClaims {
  std::string issuer;
  std::string subject;
  std::vector<std::string> audiences;
  Instant issued_at{};
  Seconds lifetime{300};
  std::string id;  ///< jti
  /// The others, in order; all of them texts ("project_path", "ref", …).
  std::vector<std::pair<std::string, std::string>> others;
};

/// Thread-safe.
class IdTokenIssuer {
 public:
  virtual ~IdTokenIssuer() = default;

  /// A JSON Web Token (RFC 7519), signed with RS256.
  virtual Result<std::string> issue(const IdTokenClaims& claims) = 0;
  /// The public key as a JSON Web Key Set (RFC 7517).
  virtual Result<std::string> keys() = 0;
};

}  // namespace tidegate::app
