// S3Storage against a real S3 server, written to by a client that we did not write (boto3). Set
// TIDEGATE_S3_ENDPOINT, _ACCESS_KEY, _SECRET_KEY and _REGION (`tools/lab/lab env` prints them).
#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <map>

#include <gtest/gtest.h>

#include "adapters/s3/s3_storage.h"
#include "base/sha256.h"
#include "base/text.h"
#include "sys/file.h"
#include "sys/process.h"

namespace tidegate::s3 {
namespace {

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

class SystemClock : public Clock {
 public:
  Instant now() const override { return std::chrono::floor<Millis>(std::chrono::system_clock::now()); }
};

constexpr const char* kClient = R"(
import sys
from s3client import client
s3, action, bucket = client(), sys.argv[1], sys.argv[2]
if action == "make":
    s3.create_bucket(Bucket=bucket)
    if sys.argv[3] == "versions":
        s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
elif action == "put":
    print(s3.put_object(Bucket=bucket, Key=sys.argv[3], Body=sys.stdin.buffer.read()).get("VersionId", ""))
elif action == "fill":
    for key in sys.argv[3:]:
        print(s3.put_object(Bucket=bucket, Key=key, Body=b"content of " + key.encode()).get("VersionId", ""))
elif action == "delete":
    s3.delete_object(Bucket=bucket, Key=sys.argv[3])
elif action == "drop":
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
        for o in page.get("Versions", []) + page.get("DeleteMarkers", []):
            s3.delete_object(Bucket=bucket, Key=o["Key"], VersionId=o["VersionId"])
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
        for o in page.get("Contents", []):
            s3.delete_object(Bucket=bucket, Key=o["Key"])
    s3.delete_bucket(Bucket=bucket)
)";

class S3ComponentTest : public testing::TestWithParam<bool> {
 protected:
  void SetUp() override {
    if (variable("TIDEGATE_S3_ENDPOINT").empty()) {
      GTEST_SKIP()
          << "TIDEGATE_S3_ENDPOINT is not set: eval \"$(tools/lab/lab env)\" runs this against a real server";
    }
    python_ = variable("TIDEGATE_LAB") + "/cache/venv/bin/python";
    if (!std::filesystem::exists(python_)) GTEST_SKIP() << python_ << " is missing: boto3 writes the objects";
    auto made = sys::TempDirectory::make("/tmp", "tg-s3-");
    ASSERT_TRUE(made);
    folder_.emplace(std::move(*made));
    S3Settings settings;
    settings.endpoint = variable("TIDEGATE_S3_ENDPOINT");
    settings.region = variable("TIDEGATE_S3_REGION");
    settings.credentials = {
        variable("TIDEGATE_S3_ACCESS_KEY"), Secret(variable("TIDEGATE_S3_SECRET_KEY")), {}};
    settings.page_size = 5;  // so that listings have pages
    storage_.emplace(settings, clock_);
    bucket_ = "test-" + random_hex(6);
    client({"make", bucket_, versions() ? "versions" : "plain"});
  }
  void TearDown() override {
    if (!bucket_.empty()) client({"drop", bucket_});
  }
  static bool versions() { return GetParam(); }

  // Runs boto3; returns what it printed, a line for each object.
  std::string client(std::vector<std::string> arguments, std::string input = "") {
    sys::Command command;
    command.argv = {python_, "-c", kClient};
    command.argv.insert(command.argv.end(), arguments.begin(), arguments.end());
    command.extra_environment = {{"PYTHONPATH", std::string(TIDEGATE_SOURCE_DIR) + "/tools/lab"}};
    command.input = std::move(input);
    command.timeout = Seconds(60);
    const auto out = sys::run_checked(command);
    EXPECT_TRUE(out) << out.error().message;
    return out ? *out : "";
  }
  std::map<std::string, app::ObjectInfo> listed(const std::string& prefix, const std::string& after = "") {
    std::map<std::string, app::ObjectInfo> objects;
    std::string last;
    const auto done = storage_->list(
        bucket_, prefix, after,
        [&](const app::ObjectInfo& info) {
          EXPECT_TRUE(objects.emplace(info.key, info).second) << "listed twice: " << info.key;
          EXPECT_LT(last, info.key) << "not in the order of bytes";
          last = info.key;
          return true;
        },
        nullptr);
    EXPECT_TRUE(done) << done.error().message;
    return objects;
  }

  std::string python_;
  std::string bucket_;
  SystemClock clock_;
  std::optional<S3Storage> storage_;
  std::optional<sys::TempDirectory> folder_;
};

TEST_P(S3ComponentTest, StrangeKeysAreListedDescribedAndDownloaded) {
  const std::vector<std::string> keys = {"in/plain.csv",     "in/a b",
                                         "in/a+b",           "in/100%",
                                         "in/%2F",           "in/\"q\"",
                                         "in/it's",          "in/$(reboot)",
                                         "in/`id`",          "in/-rf",
                                         "-leading",         "in/new\nline",
                                         "in/한글.jsonl",    "in/\xe1\x84\x92\xe1\x85\xa1\xe1\x86\xab.jsonl",
                                         "in/a&b=c;d,e:f@g", "in/?q#f",
                                         "in/~t*!()",        "in/<x>&amp;",
                                         "in/back\\slash"};
  std::vector<std::string> fill = {"fill", bucket_};
  fill.insert(fill.end(), keys.begin(), keys.end());
  const std::vector<std::string> made = split(client(fill), '\n');
  ASSERT_EQ(made.size(), keys.size() + 1);
  const auto all = listed("");
  EXPECT_EQ(all.size(), keys.size());
  EXPECT_EQ(listed("in/").size(), keys.size() - 1);
  EXPECT_EQ(listed("in/a").size(), 3U);
  std::size_t left = all.size();
  for (const auto& [key, info] : all) EXPECT_EQ(listed("", key).size(), --left) << "after " << key;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    const std::string& key = keys[i];
    const std::string content = "content of " + key;
    ASSERT_TRUE(all.contains(key)) << key;
    EXPECT_EQ(all.at(key).size, content.size());
    const auto info = storage_->head(bucket_, key, "");
    ASSERT_TRUE(info) << info.error().message;
    EXPECT_EQ(info->etag, all.at(key).etag);
    EXPECT_EQ(info->version_id, made[i]);
    EXPECT_EQ(info->version_id.empty(), !versions());
    const auto hash = storage_->download(*info, folder_->path() / "out", nullptr);
    ASSERT_TRUE(hash) << hash.error().message;
    EXPECT_EQ(*hash, sha256_hex(content));
    EXPECT_EQ(sys::read_file(folder_->path() / "out").value(), content);
  }
}

TEST_P(S3ComponentTest, TheVersionAskedForOrNone) {
  const std::string first_id(trim(client({"put", bucket_, "k"}, "first")));
  const auto first = storage_->head(bucket_, "k", "");
  ASSERT_TRUE(first) << first.error().message;
  client({"put", bucket_, "k"}, "other");
  const auto got = storage_->download(*first, folder_->path() / "out", nullptr);
  if (versions()) {
    ASSERT_TRUE(got) << got.error().message;
    EXPECT_EQ(*got, sha256_hex("first"));
    EXPECT_EQ(storage_->head(bucket_, "k", first_id).value().etag, first->etag);
  } else {
    ASSERT_FALSE(got) << "If-Match must have refused the replaced object";
    EXPECT_EQ(got.error().code, Errc::kConflict) << got.error().message;
  }
  client({"delete", bucket_, "k"});
  EXPECT_EQ(storage_->head(bucket_, "k", "").error().code, Errc::kNotFound);
  EXPECT_TRUE(listed("").empty());
}

TEST_P(S3ComponentTest, EmptyAndLargeObjects) {
  client({"put", bucket_, "empty"}, "");
  const std::string large(9'000'001, 'L');
  client({"put", bucket_, "large"}, large);
  const auto empty = storage_->head(bucket_, "empty", "");
  ASSERT_TRUE(empty) << empty.error().message;
  EXPECT_EQ(storage_->download(*empty, folder_->path() / "e", nullptr).value(), sha256_hex(""));
  const auto info = storage_->head(bucket_, "large", "");
  ASSERT_TRUE(info);
  EXPECT_EQ(info->size, large.size());
  EXPECT_EQ(storage_->download(*info, folder_->path() / "l", nullptr).value(), sha256_hex(large));
}

TEST_P(S3ComponentTest, RefusalsAreTold) {
  EXPECT_EQ(storage_->head(bucket_, "no such key", "").error().code, Errc::kNotFound);
  const auto ignore = [](const app::ObjectInfo&) { return true; };
  EXPECT_EQ(storage_->list(bucket_ + "x", "", "", ignore, nullptr).error().code, Errc::kNotFound);
  S3Settings wrong;
  wrong.endpoint = variable("TIDEGATE_S3_ENDPOINT");
  wrong.credentials = {variable("TIDEGATE_S3_ACCESS_KEY"), Secret("wrong"), {}};
  const auto denied = S3Storage(wrong, clock_).list(bucket_, "", "", ignore, nullptr);
  ASSERT_FALSE(denied);
  EXPECT_EQ(denied.error().code, Errc::kDenied) << denied.error().message;
}

INSTANTIATE_TEST_SUITE_P(Buckets, S3ComponentTest, testing::Bool(),
                         [](const auto& info) { return info.param ? "WithVersions" : "Plain"; });

}  // namespace
}  // namespace tidegate::s3
