// Id tokens signed with RS256 (RFC 7515, RFC 7518 section 3.3) under a key of this server.
#pragma once

#include <filesystem>
#include <memory>

#include "app/ports/id_tokens.h"
#include "base/result.h"

namespace tidegate::jwt {

/// Reads the RSA key (PEM), or makes one of 2,048 bits with mode 0600. kInvalid: the file holds something
/// else.
Result<std::unique_ptr<app::IdTokenIssuer>> open_issuer(const std::filesystem::path& key_file);

/// With a key that nobody else ever sees: the tokens have the form, but nobody can trust them.
Result<std::unique_ptr<app::IdTokenIssuer>> make_issuer();

}  // namespace tidegate::jwt
