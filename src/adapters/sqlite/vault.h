// Vault: secrets at rest, AES-256-GCM under a key file.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/secret.h"

namespace tidegate::sqlite {

/// Seals texts for the database. Immutable after opening; thread-safe.
class Vault {
 public:
  /// Reads the key file (64 hex digits), or makes it with mode 0600.
  static Result<Vault> open(const std::filesystem::path& key_file);

  /// "v1:" + base64(nonce, ciphertext, tag). A fresh nonce each time.
  std::string seal(std::string_view text) const;
  /// kInternal when the text was not sealed with this key or has been altered.
  Result<std::string> unseal(std::string_view sealed) const;

 private:
  explicit Vault(Secret key) : key_(std::move(key)) {}
  Secret key_;  ///< 32 raw bytes
};

}  // namespace tidegate::sqlite
