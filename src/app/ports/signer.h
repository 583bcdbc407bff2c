// Signer: the server's own key for what it states to others.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace tidegate::app {

/// ECDSA over P-256 with SHA-256. Thread-safe.
class Signer {
 public:
  virtual ~Signer() = default;

  /// The signature in DER, raw bytes.
  virtual Result<std::string> sign(std::string_view bytes) = 0;
  /// The public key in PEM (SubjectPublicKeyInfo).
  virtual std::string public_key() const = 0;
  /// SHA-256 (hex) over the public key in DER.
  virtual std::string key_id() const = 0;
};

}  // namespace tidegate::app
