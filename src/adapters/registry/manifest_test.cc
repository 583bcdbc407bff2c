#include "adapters/registry/manifest.h"

#include <fmt/core.h>
#include <gtest/gtest.h>

namespace tidegate::registry {
namespace {

const std::string kA = "sha256:" + std::string(64, 'a');
const std::string kB = "sha256:" + std::string(64, 'b');

std::string blob(const std::string& digest) {
  return fmt::format(
      R"({{"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip","size":7,"digest":"{}"}})", digest);
}

TEST(Manifest, ReadsAnImage) {
  const auto manifest = parse_manifest(
      fmt::format(R"({{"schemaVersion":2,"config":{},"layers":[{},{}]}})", blob(kA), blob(kB), blob(kA)));
  ASSERT_TRUE(manifest) << manifest.error().message;
  EXPECT_FALSE(manifest->is_index());
  EXPECT_EQ(manifest->config.digest, kA);
  ASSERT_EQ(manifest->layers.size(), 2U);
  EXPECT_EQ(manifest->layers[0].digest, kB);
  EXPECT_EQ(manifest->layers[0].size, 7U);
}

TEST(Manifest, FollowsAnIndexByPlatform) {
  const auto index = parse_manifest(fmt::format(
      R"({{"manifests":[{{"digest":"{0}","size":1,"platform":{{"os":"unknown","architecture":"unknown"}}}},
          {{"digest":"{1}","size":1,"platform":{{"os":"linux","architecture":"amd64"}}}}]}})",
      kA, kB));
  ASSERT_TRUE(index) << index.error().message;
  EXPECT_TRUE(index->is_index());
  EXPECT_EQ(for_platform(*index, "amd64"), kB);
  EXPECT_EQ(for_platform(*index, "s390x"), std::nullopt);
}

TEST(Manifest, RefusesEverythingElse) {
  for (
      const std::string& text : std::vector<std::string>{
          "", "[]", "{}", "<html>", "{\"manifests\":[]}", R"({"config":{},"layers":[]})",
          R"({"config":[],"layers":{}})", fmt::format(R"({{"config":{},"layers":["x"]}})", blob(kA)),
          fmt::format(R"({{"config":{},"layers":[{}]}})", blob(kA), blob("sha256:../../etc/passwd")),
          fmt::format(R"({{"config":{},"layers":[{{"digest":"{}","size":-1}}]}})", blob(kA), kB),
          fmt::format(
              R"({{"config":{},"layers":[{{"digest":"{}","size":1,"mediaType":"application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"}}]}})",
              blob(kA), kB),
          R"({"schemaVersion":1,"fsLayers":[]})", std::string(100, '[')}) {
    const auto manifest = parse_manifest(text);
    ASSERT_FALSE(manifest) << text;
    EXPECT_EQ(manifest.error().code, Errc::kInvalid);
  }
}

TEST(Manifest, ReadsLabels) {
  const auto config = parse_config(
      R"({"architecture":"amd64","config":{"Labels":{"org.opencontainers.image.revision":"abc","odd":1}}})");
  ASSERT_TRUE(config);
  EXPECT_EQ(config->architecture, "amd64");
  EXPECT_EQ(config->labels.at("org.opencontainers.image.revision"), "abc");
  EXPECT_EQ(config->labels.size(), 1U);
  EXPECT_TRUE(parse_config(R"({"config":{"Labels":null}})")->labels.empty());
  EXPECT_FALSE(parse_config("null"));
}

}  // namespace
}  // namespace tidegate::registry
