// AWS Signature Version 4 over headers, for S3, SQS and stores that speak like them. Pure.
//
// Signed here and not by libcurl: its 7.88 (Debian 12) sends no x-amz-content-sha256, which S3 servers
// demand, and does not encode or sort the query as the signature wants it.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/secret.h"
#include "base/time.h"

namespace tidegate::sys {

struct Credentials {
  std::string access_key;
  Secret secret_key;
  Secret session_token;  ///< of temporary credentials; empty: none
};

/// A request before its signature: raw bytes, not encoded.
struct Unsigned {
  std::string method = "GET";
  std::string host;  ///< as in the Host header, with the port unless it is the default
  std::string path;  ///< "/bucket/key"
  std::map<std::string, std::string> query;                  ///< "versionId" → "…"
  std::vector<std::pair<std::string, std::string>> headers;  ///< sent, not signed
  std::string body = {};
};

struct Scope {
  std::string region;
  std::string service;  ///< "s3", "sqs"
};

struct Signed {
  std::string target;  ///< encoded path and query, for the URL
  std::vector<std::pair<std::string, std::string>> headers;
};

/// Source: "Authenticating Requests (AWS Signature Version 4)", Amazon S3 API reference: the path is encoded
/// once, byte by byte, '/' kept, dot segments too. (Other services encode it twice; SQS has only "/".)
Signed sign(const Unsigned& request, const Credentials& credentials, const Scope& scope, Instant now);

}  // namespace tidegate::sys
