#include "adapters/remote/https_files.h"

#include <algorithm>
#include <chrono>

#include <fmt/core.h>

#include "base/text.h"

namespace tidegate::remote {
namespace {

struct Address {
  bool https = false;
  std::string host;
};

/// Nothing when the text is no plain http(s) URL.
std::optional<Address> parse_address(std::string_view url) {
  if (url.find_first_of("\\ \t\r\n") != std::string_view::npos) return std::nullopt;
  Address address;
  address.https = url.starts_with("https://");
  if (!address.https && !url.starts_with("http://")) return std::nullopt;
  url.remove_prefix(address.https ? 8 : 7);
  const std::string_view authority = url.substr(0, url.find_first_of("/?#"));
  if (authority.empty() || authority.find('@') != std::string_view::npos) return std::nullopt;
  const std::size_t end = authority.starts_with('[') ? authority.find(']') + 1 : authority.find(':');
  address.host = to_lower(authority.substr(0, std::min(end, authority.size())));
  return address;
}

bool is_loopback(std::string_view host) {
  while (host.ends_with('.')) host.remove_suffix(1);
  return host == "localhost" || host.ends_with(".localhost") || host == "[::1]" || host.starts_with("127.");
}

}  // namespace

Status check_url(const std::string& url, bool loopback) {
  const auto address = parse_address(url);
  if (!address)
    return fail(Errc::kInvalid,
                fmt::format("Remote file `{}` does not have a valid address", printable(url)));
  if (is_loopback(address->host)) {
    if (loopback) return {};
    return fail(Errc::kInvalid,
                fmt::format("Remote file `{}`: addresses of this machine are not read here", printable(url)));
  }
  if (address->https) return {};
  return fail(Errc::kInvalid,
              fmt::format("Remote file `{}`: only https is read; plain http can be changed on its way",
                          printable(url)));
}

Result<std::string> HttpsFiles::read(const std::string& url) {
  if (const auto found = done_.find(url); found != done_.end()) return found->second;
  const auto started = std::chrono::steady_clock::now();
  Result<std::string> text = fetch(url);
  spent_ += std::chrono::duration_cast<Millis>(std::chrono::steady_clock::now() - started);
  return done_.emplace(url, std::move(text)).first->second;
}

Result<std::string> HttpsFiles::fetch(const std::string& url) {
  TG_CHECK(check_url(url, limits_.loopback));
  if (spent_ >= limits_.total)
    return fail(Errc::kUnavailable,
                fmt::format("Remote file `{}`: all remote files together took longer than {} s",
                            printable(url), limits_.total.count() / 1000));
  sys::HttpRequest request;
  request.url = url;
  request.timeout = std::min(limits_.timeout, limits_.total - spent_);
  request.max_body = limits_.max_bytes;
  if (!client_) client_.emplace();
  auto response = client_->send(request);
  if (!response)
    return fail(response.error().code, fmt::format("Remote file `{}` could not be fetched: {}",
                                                   printable(url), response.error().message));
  if (response->status == 200) return std::move(response->body);
  const bool moved = response->status >= 300 && response->status < 400;
  const auto where = response->headers.find("location");
  return fail(response->status == 404 || response->status == 410 ? Errc::kNotFound : Errc::kUnavailable,
              fmt::format("Remote file `{}` could not be fetched because of HTTP code `{}`{}", printable(url),
                          response->status,
                          moved && where != response->headers.end()
                              ? fmt::format("; write the new address instead: {}", printable(where->second))
                              : std::string()));
}

}  // namespace tidegate::remote
