// HttpsFiles: RemoteFiles over HTTPS.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "app/ports/remote_files.h"
#include "base/time.h"
#include "sys/http_client.h"

namespace tidegate::remote {

struct HttpsLimits {
  Millis timeout{10'000};              ///< of one file
  Millis total{30'000};                ///< of all files of one object together, as GitLab has it
  std::uint64_t max_bytes = 2U << 20;  ///< of one file
  bool loopback = false;               ///< allow http and https to this machine's loopback addresses
};

/// Whether a URL may be read at all: https and a host that is no loopback name or address; with `loopback`
/// also http and https to localhost, 127.0.0.0/8 and [::1]. No user name and no password in it.
Status check_url(const std::string& url, bool loopback);

/// Answers are kept, failures too, so that one run sees one state. Redirects are not followed: the URL in the
/// file is where the content comes from.
class HttpsFiles : public app::RemoteFiles {
 public:
  explicit HttpsFiles(HttpsLimits limits = {}) : limits_(limits) {}

  Result<std::string> read(const std::string& url) override;

 private:
  Result<std::string> fetch(const std::string& url);

  HttpsLimits limits_;
  std::optional<sys::HttpClient> client_;  ///< made when first asked: most configurations read no URL
  Millis spent_{0};
  std::map<std::string, Result<std::string>> done_;
};

}  // namespace tidegate::remote
