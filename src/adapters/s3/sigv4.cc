#include "adapters/s3/sigv4.h"

#include <fmt/core.h>

#include "base/sha256.h"
#include "base/text.h"

namespace tidegate::s3 {
namespace {

constexpr const char* kEmptyHash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

std::string canonical_query(const std::map<std::string, std::string>& query) {
  // Sorted by the encoded name; encoding keeps the order of the names that S3 has.
  std::string text;
  for (const auto& [name, value] : query) {
    if (!text.empty()) text += '&';
    text += percent_encode(name) + "=" + percent_encode(value);
  }
  return text;
}

std::string signature(const Credentials& credentials, const std::string& day, const std::string& region,
                      const std::string& text) {
  std::string key = hmac_sha256("AWS4" + credentials.secret_key.reveal(), day);
  for (const std::string& step : {region, std::string("s3"), std::string("aws4_request")})
    key = hmac_sha256(key, step);
  return to_hex(hmac_sha256(key, text));
}

}  // namespace

Signed sign(const Unsigned& request, const Credentials& credentials, const std::string& region, Instant now) {
  const std::string time = format_compact(now);
  const std::string day = time.substr(0, 8);
  const std::string scope = fmt::format("{}/{}/s3/aws4_request", day, region);
  const std::string path = percent_encode(request.path, "/");
  const std::string query = canonical_query(request.query);

  std::map<std::string, std::string> to_sign = {
      {"host", request.host}, {"x-amz-content-sha256", kEmptyHash}, {"x-amz-date", time}};
  if (!credentials.session_token.empty())
    to_sign["x-amz-security-token"] = credentials.session_token.reveal();
  std::string lines;
  std::string names;
  for (const auto& [name, value] : to_sign) {
    lines += name + ":" + value + "\n";
    names += (names.empty() ? "" : ";") + name;
  }
  const std::string canonical =
      fmt::format("{}\n{}\n{}\n{}\n{}\n{}", request.method, path, query, lines, names, kEmptyHash);
  const std::string text = fmt::format("AWS4-HMAC-SHA256\n{}\n{}\n{}", time, scope, sha256_hex(canonical));

  Signed result{query.empty() ? path : path + "?" + query, request.headers};
  for (const auto& [name, value] : to_sign) result.headers.emplace_back(name, value);
  result.headers.emplace_back(
      "Authorization",
      fmt::format("AWS4-HMAC-SHA256 Credential={}/{}, SignedHeaders={}, Signature={}", credentials.access_key,
                  scope, names, signature(credentials, day, region, text)));
  return result;
}

}  // namespace tidegate::s3
