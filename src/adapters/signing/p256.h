// The server's own signature: ECDSA over P-256 with SHA-256, the one that every verifier of attestations knows.
#pragma once

#include <filesystem>
#include <memory>

#include "app/ports/signer.h"
#include "base/result.h"

namespace tidegate::signing {

/// Reads the key (PEM), or makes one with mode 0600. kInvalid: the file holds something else.
Result<std::unique_ptr<app::Signer>> open_signer(const std::filesystem::path& key_file);

}  // namespace tidegate::signing
