// S3Storage against a server of our own that misbehaves on demand; the real one is in s3_component_test.
#include "adapters/s3/s3_storage.h"

#include <gtest/gtest.h>

#include "base/sha256.h"
#include "sys/file.h"
#include "sys/http_test_server.h"

namespace tidegate::s3 {
namespace {

namespace fs = std::filesystem;
using Server = sys::TestHttpServer;

class FixedClock : public Clock {
 public:
  Instant now() const override { return Instant(std::chrono::sys_days(std::chrono::year(2026) / 11 / 23)); }
};

class S3StorageTest : public testing::Test {
 protected:
  void SetUp() override {
    auto made = sys::TempDirectory::make("/tmp", "tg-s3-");
    ASSERT_TRUE(made);
    folder_.emplace(std::move(*made));
  }
  S3Storage storage(const Server& server) const {
    S3Settings settings;
    settings.endpoint = server.url();
    settings.credentials = {"key", Secret("secret"), {}};
    return {settings, clock_};
  }
  fs::path out() const { return folder_->path() / "out"; }
  bool nothing_left() const { return fs::is_empty(folder_->path()); }

  FixedClock clock_;
  std::optional<sys::TempDirectory> folder_;
};

app::ObjectInfo version(std::string id, std::uint64_t size, std::string etag = "") {
  app::ObjectInfo info;
  info.bucket = "b";
  info.key = "k 1";
  info.version_id = std::move(id);
  info.size = size;
  info.etag = std::move(etag);
  return info;
}

std::string list_page(const std::string& keys, const std::string& next) {
  std::string body = "<ListBucketResult>";
  for (const char key : keys) {
    body += std::string("<Contents><Key>p/") + key +
            "</Key><Size>1</Size><LastModified>2026-11-23T00:00:00Z</LastModified></Contents>";
  }
  if (!next.empty())
    body += "<IsTruncated>true</IsTruncated><NextContinuationToken>" + next + "</NextContinuationToken>";
  return Server::answer(200, body + "</ListBucketResult>");
}

TEST_F(S3StorageTest, ListsPageByPage) {
  std::vector<std::string> targets;
  const Server server([&](const Server::Request& request) {
    targets.push_back(request.target);
    return targets.size() == 1 ? list_page("ab", "t/1 +") : list_page("c", "");
  });
  std::string keys;
  const auto done = storage(server).list(
      "b", "p/", "",
      [&](const app::ObjectInfo& info) {
        keys += info.key + ";";
        return info.bucket == "b";
      },
      nullptr);
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_EQ(keys, "p/a;p/b;p/c;");
  ASSERT_EQ(targets.size(), 2U);
  EXPECT_EQ(targets[0], "/b?encoding-type=url&list-type=2&max-keys=1000&prefix=p%2F");
  EXPECT_EQ(targets[1],
            "/b?continuation-token=t%2F1%20%2B&encoding-type=url&list-type=2&max-keys=1000&prefix=p%2F");
}

TEST_F(S3StorageTest, ListingEndsWhenAskedAndDoesNotRunInCircles) {
  int requests = 0;
  const Server server([&](const Server::Request&) {
    ++requests;
    return list_page("ab", "same");
  });
  S3Storage s3 = storage(server);
  EXPECT_TRUE(s3.list("b", "p/", "", [](const app::ObjectInfo&) { return false; }, nullptr));
  EXPECT_EQ(requests, 1);
  EXPECT_EQ(s3.list(
                  "b", "p/", "", [](const app::ObjectInfo&) { return true; }, nullptr)
                .error()
                .code,
            Errc::kUnavailable);
  EXPECT_EQ(requests, 3);
}

TEST_F(S3StorageTest, ListsFromAnyPlace) {
  std::vector<std::string> targets;
  const Server server([&](const Server::Request& request) {
    targets.push_back(request.target);
    return targets.size() == 1 ? list_page("ab", "next") : list_page("c", "");
  });
  std::string keys;
  const auto take = [&](const app::ObjectInfo& info) { return !(keys += info.key + ";").empty(); };
  ASSERT_TRUE(storage(server).list("b", "p/", "p/a", take, nullptr));
  EXPECT_EQ(keys, "p/b;p/c;") << "also of a server that does not know start-after";
  ASSERT_EQ(targets.size(), 2U);
  EXPECT_EQ(targets[0], "/b?encoding-type=url&list-type=2&max-keys=1000&prefix=p%2F&start-after=p%2Fa");
  EXPECT_EQ(targets[1].find("start-after"), std::string::npos);
}

TEST_F(S3StorageTest, KeysOutsideThePrefixAreNotTaken) {
  const Server server([&](const Server::Request&) { return list_page("ab", ""); });
  int seen = 0;
  EXPECT_TRUE(
      storage(server).list("b", "q/", "", [&](const app::ObjectInfo&) { return ++seen > 0; }, nullptr));
  EXPECT_EQ(seen, 0);
}

TEST_F(S3StorageTest, HeadTellsEverything) {
  std::string target;
  const Server server([&](const Server::Request& request) {
    target = request.method + " " + request.target;
    return std::string(
        "HTTP/1.1 200 OK\r\nContent-Length: 42\r\nETag: \"abc\"\r\nx-amz-version-id: v1\r\n"
        "Last-Modified: Mon, 23 Nov 2026 14:08:41 GMT\r\n\r\n");
  });
  const auto info = storage(server).head("b", "a b/../한", "v+1");
  ASSERT_TRUE(info) << info.error().message;
  EXPECT_EQ(target, "HEAD /b/a%20b/../%ED%95%9C?versionId=v%2B1");
  EXPECT_EQ(info->version_id, "v1");
  EXPECT_EQ(info->etag, "abc");
  EXPECT_EQ(info->size, 42U);
  EXPECT_EQ(info->key, "a b/../한");
}

TEST_F(S3StorageTest, StatusSaysWhatToDo) {
  int status = 0;
  const Server server([&](const Server::Request&) {
    return Server::answer(status, "<Error><Code>SomeCode</Code><Message>why</Message></Error>",
                          {"Connection: close"});
  });
  const std::vector<std::pair<int, Errc>> codes = {
      {404, Errc::kNotFound},    {403, Errc::kDenied},      {412, Errc::kConflict}, {500, Errc::kUnavailable},
      {503, Errc::kUnavailable}, {429, Errc::kUnavailable}, {400, Errc::kInvalid},  {301, Errc::kInvalid}};
  for (const auto& [sent, expected] : codes) {
    status = sent;
    const auto result = storage(server).download(version("v", 3), out(), nullptr);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, expected) << sent;
    EXPECT_NE(result.error().message.find("SomeCode: why"), std::string::npos) << result.error().message;
    EXPECT_TRUE(nothing_left());
  }
}

TEST_F(S3StorageTest, DownloadsThatVersionOrThatEtag) {
  std::vector<Server::Request> requests;
  const Server server([&](const Server::Request& request) {
    requests.push_back(request);
    return Server::answer(200, "hello");
  });
  S3Storage s3 = storage(server);
  EXPECT_EQ(s3.download(version("v1", 5, "e"), out(), nullptr).value(), sha256_hex("hello"));
  EXPECT_EQ(sys::read_file(out()).value(), "hello");
  EXPECT_TRUE(s3.download(version("", 5, "e"), out(), nullptr));
  EXPECT_TRUE(s3.download(version("null", 5, "e"), out(), nullptr));
  ASSERT_EQ(requests.size(), 3U);
  EXPECT_EQ(requests[0].target, "/b/k%201?versionId=v1");
  EXPECT_FALSE(requests[0].headers.contains("if-match"));
  EXPECT_EQ(requests[1].target, "/b/k%201");
  EXPECT_EQ(requests[1].headers.at("if-match"), "\"e\"");
  EXPECT_EQ(requests[2].target, "/b/k%201?versionId=null");
  EXPECT_EQ(requests[2].headers.at("if-match"), "\"e\"");
}

TEST_F(S3StorageTest, WrongBytesAreNeverKept) {
  std::string reply;
  const Server server([&](const Server::Request&) { return reply; });
  S3Storage s3 = storage(server);
  reply = Server::answer(200, "hello");
  EXPECT_EQ(s3.download(version("v", 4), out(), nullptr).error().code, Errc::kInvalid) << "too long";
  EXPECT_EQ(s3.download(version("v", 6), out(), nullptr).error().code, Errc::kInvalid) << "too short";
  reply = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhel";
  EXPECT_EQ(s3.download(version("v", 5), out(), nullptr).error().code, Errc::kUnavailable) << "cut off";
  reply = Server::answer(200, "hello", {"x-amz-version-id: other"});
  EXPECT_EQ(s3.download(version("v", 5), out(), nullptr).error().code, Errc::kConflict);
  EXPECT_TRUE(nothing_left());
}

TEST_F(S3StorageTest, NobodyThereAndNowhereToWrite) {
  S3Settings settings;
  settings.endpoint = "http://127.0.0.1:1";
  S3Storage nobody(settings, clock_);
  EXPECT_EQ(nobody.head("b", "k", "").error().code, Errc::kUnavailable);
  EXPECT_EQ(nobody.download(version("v", 1), folder_->path() / "no" / "out", nullptr).error().code,
            Errc::kNotFound);
  for (const char* bucket : {"", "..", "a/b"})
    EXPECT_EQ(nobody.head(bucket, "k", "").error().code, Errc::kInvalid);
  EXPECT_EQ(nobody.head("b", "", "").error().code, Errc::kInvalid);
}

TEST_F(S3StorageTest, SecretsAreNotInErrors) {
  const Server server([&](const Server::Request&) { return Server::answer(403, "no"); });
  const auto result = storage(server).head("b", "k", "");
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().message.find("secret"), std::string::npos);
  EXPECT_EQ(result.error().message.find("Signature"), std::string::npos);
}

}  // namespace
}  // namespace tidegate::s3
