// Against a real registry: TIDEGATE_REGISTRY (host:port), _USER, _PASSWORD, _CERT_DIR, as `tools/lab/lab env`
// prints them.
#include "adapters/registry/skopeo.h"

#include <cstdlib>

#include <gtest/gtest.h>

#include "adapters/registry/test_layers.h"
#include "base/sha256.h"
#include "base/text.h"
#include "sys/file.h"
#include "sys/process.h"

namespace tidegate::registry {
namespace {
namespace fs = std::filesystem;

std::string env(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

class SkopeoTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (env("TIDEGATE_REGISTRY").empty())
      GTEST_SKIP()
          << "no registry: set TIDEGATE_REGISTRY, _USER, _PASSWORD and _CERT_DIR (tools/lab/lab env)";
    if (!sys::find_program("skopeo")) GTEST_SKIP() << "skopeo is not installed";
  }
  Settings settings() const {
    Settings out;
    out.registry = env("TIDEGATE_REGISTRY");
    out.user = env("TIDEGATE_REGISTRY_USER");
    out.password = Secret(env("TIDEGATE_REGISTRY_PASSWORD"));
    out.cert_dir = env("TIDEGATE_REGISTRY_CERT_DIR");
    out.cache_dir = temp_.path() / "cache";
    return out;
  }
  // Pushes an image with one release file as repository:tag; returns its digest.
  std::string push(const std::string& tag, const std::string& content) {
    const fs::path dir = temp_.path() / ("image-" + tag);
    EXPECT_TRUE(sys::make_directories(dir));
    const auto digest =
        testing::write_image(dir,
                             {testing::layer_bytes({testing::file("usr/lib/base", "base")}),
                              testing::layer_bytes({testing::file("opt/release/train.py", content)})},
                             "0123456789abcdef");
    const fs::path auth = temp_.path() / "auth.json";
    EXPECT_TRUE(sys::write_file(auth,
                                "{\"auths\":{\"" + settings().registry + "\":{\"auth\":\"" +
                                    base64_encode(settings().user + ":" + settings().password.reveal()) +
                                    "\"}}}",
                                0600));
    sys::Command command;
    command.argv = {"skopeo",
                    "--insecure-policy",
                    "copy",
                    "--quiet",
                    "--preserve-digests",
                    "--authfile",
                    auth,
                    "--dest-cert-dir",
                    settings().cert_dir,
                    "dir:" + dir.string(),
                    "docker://" + repository_ + ":" + tag};
    const auto pushed = sys::run_checked(command);
    EXPECT_TRUE(pushed) << pushed.error().message;
    return digest;
  }
  fs::path folder(const std::string& name) const {
    EXPECT_TRUE(sys::make_directories(temp_.path() / name));
    return temp_.path() / name;
  }

  sys::TempDirectory temp_ = sys::TempDirectory::make("/tmp", "tidegate-skopeo-").value();
  std::string repository_ = env("TIDEGATE_REGISTRY") + "/test/releases-" + random_hex(4);
};

TEST_F(SkopeoTest, InspectsTagsAndExtracts) {
  Skopeo registry(settings());
  const auto digest = push("abc1234", "print(1)\n");
  const auto info = registry.inspect(repository_ + ":abc1234");
  ASSERT_TRUE(info) << info.error().message;
  EXPECT_EQ(info->digest, digest);
  EXPECT_EQ(info->architecture, "amd64");
  EXPECT_EQ(info->labels.at("org.opencontainers.image.revision"), "0123456789abcdef");

  const auto tagged = registry.tag(repository_, digest, "latest");
  ASSERT_TRUE(tagged) << tagged.error().message;
  ASSERT_TRUE(registry.tag(repository_, digest, "latest"));
  EXPECT_EQ(registry.inspect(repository_ + ":latest")->digest, digest);
  EXPECT_EQ(registry.inspect(repository_ + "@" + digest)->digest, digest);

  const auto to = folder("to");
  const auto done = registry.extract(repository_, digest, "/opt/release", to, 1000, nullptr);
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_EQ(sys::read_file(to / "train.py").value(), "print(1)\n");
  EXPECT_EQ(registry.extract(repository_, digest, "/opt/release", to, 1000, nullptr).error().code,
            Errc::kInvalid);
}

TEST_F(SkopeoTest, HealsADamagedCache) {
  Skopeo registry(settings());
  const auto digest = push("v1", "print(2)\n");
  ASSERT_TRUE(registry.extract(repository_, digest, "/opt/release", folder("first"), 1000, nullptr));
  for (const auto& blob : fs::directory_iterator(temp_.path() / "cache/blobs/sha256"))
    ASSERT_TRUE(sys::write_file(blob.path(), "damaged"));
  const auto done = registry.extract(repository_, digest, "/opt/release", folder("second"), 1000, nullptr);
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_EQ(sys::read_file(temp_.path() / "second/train.py").value(), "print(2)\n");
}

TEST_F(SkopeoTest, UntagsOneTagAndLeavesTheOther) {
  Skopeo registry(settings());
  const auto digest = push("one", "print(3)\n");
  ASSERT_TRUE(registry.tag(repository_, digest, "two"));
  const auto removed = registry.untag(repository_, "one");
  ASSERT_TRUE(removed) << removed.error().message;
  EXPECT_EQ(registry.inspect(repository_ + ":one").error().code, Errc::kNotFound);
  EXPECT_EQ(registry.inspect(repository_ + ":two")->digest, digest);
  EXPECT_TRUE(registry.untag(repository_, "one"));
}

TEST_F(SkopeoTest, ErrorsSayWhatToDo) {
  Skopeo registry(settings());
  push("there", "x");
  EXPECT_EQ(registry.inspect(repository_ + ":nothing").error().code, Errc::kNotFound);
  EXPECT_EQ(registry.inspect(repository_ + "/no/such:x").error().code, Errc::kNotFound);
  EXPECT_EQ(registry.inspect("localhost:1/x:y").error().code, Errc::kUnavailable);
  EXPECT_EQ(registry.inspect("--help").error().code, Errc::kInvalid);
  EXPECT_EQ(registry.tag(repository_, "sha256:" + std::string(64, '0'), "x").error().code, Errc::kNotFound);
  auto wrong = settings();
  wrong.password = Secret("wrong");
  const auto denied = Skopeo(wrong).inspect(repository_ + ":there");
  EXPECT_EQ(denied.error().code, Errc::kDenied);
  EXPECT_EQ(denied.error().message.find("wrong"), std::string::npos) << denied.error().message;
  auto untrusting = settings();
  untrusting.cert_dir = folder("no-certificates");
  EXPECT_EQ(Skopeo(untrusting).inspect(repository_ + ":there").error().code, Errc::kEnvironment);
}

}  // namespace
}  // namespace tidegate::registry
