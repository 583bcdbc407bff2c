#include "sys/sigv4.h"

#include <fmt/core.h>

#include "base/sha256.h"
#include "base/text.h"

namespace tidegate::sys {
namespace {

std::string canonical_query(const std::map<std::string, std::string>& query) {
  // Sorted by the encoded name; encoding keeps the order of the names that S3 has.
  std::string text;
  for (const auto& [name, value] : query) {
    if (!text.empty()) text += '&';
    text += percent_encode(name) + "=" + percent_encode(value);
  }
  return text;
}

std::string signature(const Credentials& credentials, const std::string& day, const Scope& scope,
                      const std::string& text) {
  std::string key = hmac_sha256("AWS4" + credentials.secret_key.reveal(), day);
  for (const std::string& step : {scope.region, scope.service, std::string("aws4_request")})
    key = hmac_sha256(key, step);
  return to_hex(hmac_sha256(key, text));
}

}  // namespace

Signed sign(const Unsigned& request, const Credentials& credentials, const Scope& scope, Instant now) {
  const std::string time = format_compact(now);
  const std::string day = time.substr(0, 8);
  const std::string place = fmt::format("{}/{}/{}/aws4_request", day, scope.region, scope.service);
  const std::string body_hash = sha256_hex(request.body);
  const std::string path = percent_encode(request.path, "/");
  const std::string query = canonical_query(request.query);

  std::map<std::string, std::string> to_sign = {
      {"host", request.host}, {"x-amz-content-sha256", body_hash}, {"x-amz-date", time}};
  if (!credentials.session_token.empty())
    to_sign["x-amz-security-token"] = credentials.session_token.reveal();
  std::string lines;
  std::string names;
  for (const auto& [name, value] : to_sign) {
    lines += name + ":" + value + "\n";
    names += (names.empty() ? "" : ";") + name;
  }
  const std::string canonical =
      fmt::format("{}\n{}\n{}\n{}\n{}\n{}", request.method, path, query, lines, names, body_hash);
  const std::string text = fmt::format("AWS4-HMAC-SHA256\n{}\n{}\n{}", time, place, sha256_hex(canonical));

  Signed result{query.empty() ? path : path + "?" + query, request.headers};
  for (const auto& [name, value] : to_sign) result.headers.emplace_back(name, value);
  result.headers.emplace_back(
      "Authorization",
      fmt::format("AWS4-HMAC-SHA256 Credential={}/{}, SignedHeaders={}, Signature={}", credentials.access_key,
                  place, names, signature(credentials, day, scope, text)));
  return result;
}

}  // namespace tidegate::sys
