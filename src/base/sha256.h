// SHA-256, incremental and in one go (OpenSSL).
#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace tidegate {

/// Feeds bytes, then hex() once. Not for use from two threads.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;

  void update(std::string_view bytes);
  /// The digest as 64 lower-case hex digits. Ends the computation.
  std::string hex();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// The digest of `bytes` as 64 lower-case hex digits.
std::string sha256_hex(std::string_view bytes);

/// HMAC-SHA256, raw 32 bytes (AWS Signature V4, hook signatures).
std::string hmac_sha256(std::string_view key, std::string_view bytes);

/// `bytes` random bytes from the system as hex: tokens and ids. The only source of randomness in the house.
std::string random_hex(std::size_t bytes);

}  // namespace tidegate
