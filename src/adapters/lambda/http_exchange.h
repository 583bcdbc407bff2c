// One request and its answer over TCP or TLS, for a program that is linked statically. Blocking.
#pragma once

#include <filesystem>
#include <optional>

#include "adapters/lambda/http_wire.h"
#include "base/time.h"

namespace tidegate::lambda {

/// The authorities that servers' certificates are checked against: this file, or the system's bundle when it
/// is empty.
struct Trust {
  std::filesystem::path ca_file;
};

/// Any status is a value. kUnavailable: no answer, or not within `budget` (nothing: waits for ever; names are
/// looked up outside of it). kDenied: the server's certificate is not trusted or names another host.
Result<HttpResponse> exchange(const HttpRequest& request, const Trust& trust, std::optional<Millis> budget);

}  // namespace tidegate::lambda
