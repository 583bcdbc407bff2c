#include "adapters/s3/s3_storage.h"

#include <mutex>
#include <vector>

#include <fmt/core.h>

#include "adapters/s3/file_sink.h"
#include "adapters/s3/http_date.h"
#include "adapters/s3/listing.h"
#include "base/text.h"
#include "sys/http_client.h"

namespace tidegate::s3 {
namespace {

constexpr Seconds kStall{60};
constexpr std::uint64_t kMaxPage = 32U
                                   << 20U;  // 1000 keys of 1,024 bytes, three characters each, and much air

// Clients at rest, so that connections live on while threads come and go.
class ClientPool {
 public:
  sys::HttpClient take() {
    const std::lock_guard lock(mutex_);
    if (idle_.empty()) return {};
    sys::HttpClient client = std::move(idle_.back());
    idle_.pop_back();
    return client;
  }
  void give_back(sys::HttpClient client) {
    const std::lock_guard lock(mutex_);
    if (idle_.size() < 8) idle_.push_back(std::move(client));
  }

 private:
  std::mutex mutex_;
  std::vector<sys::HttpClient> idle_;
};

struct Address {
  std::string bucket;
  std::string key;
  std::string version_id;

  std::string text() const {
    std::string result = "s3://" + printable(bucket) + "/" + printable(key);
    if (!version_id.empty()) result += "?versionId=" + printable(version_id);
    return result;
  }
};

std::string header(const sys::HttpResponse& response, const std::string& name) {
  const auto found = response.headers.find(name);
  return found == response.headers.end() ? std::string() : found->second;
}

Errc code_of(long status) {
  if (status == 404) return Errc::kNotFound;
  if (status == 405 || status == 412) return Errc::kConflict;  // 405: that version is a delete marker
  if (status == 401 || status == 403) return Errc::kDenied;
  if (status == 408 || status == 429 || status >= 500) return Errc::kUnavailable;
  return Errc::kInvalid;
}

Error refusal(const std::string& what, const sys::HttpResponse& response) {
  std::string why = fmt::format("HTTP {}", response.status);
  if (const auto fault = parse_fault(response.body))
    why += fmt::format(" {}: {}", fault->code, fault->message);
  if (const std::string region = header(response, "x-amz-bucket-region");
      !region.empty() && response.status >= 300 && response.status < 400) {
    why += " (the bucket is in region " + printable(region) + ")";
  }
  return fail(code_of(response.status), what + ": " + why);
}

Status check(const Address& address) {
  const bool good = !address.bucket.empty() && address.bucket.find('/') == std::string::npos &&
                    address.bucket != "." && address.bucket != "..";
  if (!good) return fail(Errc::kInvalid, "not the name of a bucket: " + printable(address.bucket));
  return {};
}

Result<app::ObjectInfo> describe(const Address& address, const sys::HttpResponse& response) {
  app::ObjectInfo info;
  info.bucket = address.bucket;
  info.key = address.key;
  info.version_id = header(response, "x-amz-version-id");
  info.etag = replace_all(header(response, "etag"), "\"", "");
  const auto size = parse_integer(header(response, "content-length"));
  const auto modified = parse_http_date(header(response, "last-modified"));
  if (!size || *size < 0 || !modified) {
    return fail(Errc::kUnavailable,
                address.text() + ": an answer without size or time; is this an S3 server?");
  }
  info.size = static_cast<std::uint64_t>(*size);
  info.modified_at = *modified;
  return info;
}

}  // namespace

struct S3Storage::Impl {
  S3Settings settings;
  const Clock& clock;
  std::string base;  ///< "http://host:port", nothing after it
  std::string host;
  ClientPool clients;

  Impl(S3Settings given, const Clock& with) : settings(std::move(given)), clock(with) {
    base = settings.endpoint.empty() ? "https://s3." + settings.region + ".amazonaws.com" : settings.endpoint;
    while (base.ends_with('/')) base.pop_back();
    host = base.substr(base.find("://") == std::string::npos ? 0 : base.find("://") + 3);
    if (base.starts_with("http://") && host.ends_with(":80")) host.resize(host.size() - 3);
    if (base.starts_with("https://") && host.ends_with(":443")) host.resize(host.size() - 4);
  }

  sys::HttpRequest request(sys::Unsigned wanted) const {
    wanted.host = host;
    sys::Signed made = sys::sign(wanted, settings.credentials, {settings.region, "s3"}, clock.now());
    sys::HttpRequest request;
    request.method = wanted.method;
    request.url = base + made.target;
    request.headers = std::move(made.headers);
    request.ca_file = settings.ca_file;
    request.max_body = kMaxPage;
    return request;
  }

  Result<ListPage> page(const std::string& bucket, const std::string& prefix, const std::string& after,
                        const std::string& token, sys::HttpClient& client, const sys::StopFlag* stop) const {
    sys::Unsigned wanted{"GET", "", "/" + bucket, {}, {}};
    wanted.query = {{"list-type", "2"},
                    {"prefix", prefix},
                    {"encoding-type", "url"},
                    {"max-keys", std::to_string(settings.page_size)}};
    if (!token.empty()) wanted.query["continuation-token"] = token;
    if (token.empty() && !after.empty()) wanted.query["start-after"] = after;
    const std::string what = "list s3://" + printable(bucket) + "/" + printable(prefix);
    TG_TRY(const sys::HttpResponse response, client.send(request(wanted), stop));
    if (response.status != 200) return refusal(what, response);
    auto parsed = parse_list_page(response.body);
    if (!parsed) return with_context(what, std::move(parsed).error());
    return parsed;
  }
};

S3Storage::S3Storage(S3Settings settings, const Clock& clock)
    : impl_(std::make_unique<Impl>(std::move(settings), clock)) {}
S3Storage::~S3Storage() = default;

Status S3Storage::list(const std::string& bucket, const std::string& prefix, const std::string& after,
                       const std::function<bool(const app::ObjectInfo&)>& on_object,
                       const sys::StopFlag* stop) {
  TG_CHECK(check({bucket, "", ""}));
  sys::HttpClient client = impl_->clients.take();
  std::string token;
  for (;;) {
    TG_TRY(ListPage page, impl_->page(bucket, prefix, after, token, client, stop));
    for (app::ObjectInfo& object : page.objects) {
      object.bucket = bucket;
      // A server that does not filter must not make us take what was not asked for.
      if (object.key.starts_with(prefix) && object.key > after && !on_object(object)) {
        impl_->clients.give_back(std::move(client));
        return {};
      }
    }
    if (!page.truncated) break;
    if (page.next_token == token) {
      return fail(Errc::kUnavailable, "list s3://" + printable(bucket) + ": the server repeats itself");
    }
    token = std::move(page.next_token);
  }
  impl_->clients.give_back(std::move(client));
  return {};
}

Result<app::ObjectInfo> S3Storage::head(const std::string& bucket, const std::string& key,
                                        const std::string& version_id) {
  const Address address{bucket, key, version_id};
  TG_CHECK(check(address));
  if (key.empty()) return fail(Errc::kInvalid, "an empty key");
  sys::Unsigned wanted{"HEAD", "", "/" + bucket + "/" + key, {}, {}};
  if (!version_id.empty()) wanted.query["versionId"] = version_id;
  sys::HttpClient client = impl_->clients.take();
  TG_TRY(const sys::HttpResponse response, client.send(impl_->request(wanted)));
  impl_->clients.give_back(std::move(client));
  if (response.status != 200) return refusal("look at " + address.text(), response);
  return describe(address, response);
}

Result<std::string> S3Storage::download(const app::ObjectInfo& expected, const std::filesystem::path& to,
                                        const sys::StopFlag* stop) {
  const Address address{expected.bucket, expected.key, expected.version_id};
  TG_CHECK(check(address));
  const std::string what = "download " + address.text();
  sys::Unsigned wanted{"GET", "", "/" + expected.bucket + "/" + expected.key, {}, {}};
  if (!expected.version_id.empty()) wanted.query["versionId"] = expected.version_id;
  // Without versions (or with the one called "null", which can be overwritten) the etag pins the content.
  const bool pinned = !expected.version_id.empty() && expected.version_id != "null";
  if (!pinned && !expected.etag.empty()) wanted.headers.emplace_back("If-Match", "\"" + expected.etag + "\"");

  TG_TRY(FileSink sink, FileSink::open(to));
  Status written;
  sys::HttpRequest request = impl_->request(wanted);
  request.timeout.reset();
  request.stall = kStall;
  sys::HttpClient client = impl_->clients.take();
  const auto response = client.stream(
      request,
      [&](std::string_view bytes) {
        written = sink.write(bytes);
        return written && sink.written() <= expected.size;
      },
      stop);
  if (!written) return std::move(written).error();
  const auto wrong_size = [&](std::string_view how) {
    return fail(Errc::kInvalid, fmt::format("{}: {} than the {} bytes announced", what, how, expected.size));
  };
  if (sink.written() > expected.size) return wrong_size("more");
  if (!response) return with_context(what, response.error());
  impl_->clients.give_back(std::move(client));
  if (response->status != 200) return refusal(what, *response);
  if (sink.written() < expected.size) return wrong_size("less");
  const std::string version = header(*response, "x-amz-version-id");
  if (pinned && !version.empty() && version != expected.version_id) {
    return fail(Errc::kConflict, what + ": the server sent version " + printable(version));
  }
  return sink.finish();
}

}  // namespace tidegate::s3
