#include "image/reference.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace tidegate::image {
namespace {

const std::string kDigest = "sha256:" + std::string(64, 'a');

TEST(Reference, TakesApartWhatRegistriesUse) {
  const auto full = parse_reference("localhost:18101/team/coach/training:abc1234@" + kDigest);
  ASSERT_TRUE(full);
  EXPECT_EQ(full->registry, "localhost:18101");
  EXPECT_EQ(full->repository, "team/coach/training");
  EXPECT_EQ(full->tag, "abc1234");
  EXPECT_EQ(full->digest, kDigest);
  EXPECT_EQ(full->pinned(), "localhost:18101/team/coach/training@" + kDigest);
}

TEST(Reference, ShortNamesAreDockerHubs) {
  const auto python = parse_reference("python:3.11");
  ASSERT_TRUE(python);
  EXPECT_EQ(python->name(), "docker.io/library/python");
  EXPECT_EQ(python->pinned(), "docker.io/library/python:3.11");
  const auto group = parse_reference("grafana/grafana");
  ASSERT_TRUE(group);
  EXPECT_EQ(group->pinned(), "docker.io/grafana/grafana:latest");
}

TEST(Reference, AFirstPartIsAHostOnlyWithDotColonOrLocalhost) {
  EXPECT_EQ(parse_reference("localhost/x")->registry, "localhost");
  EXPECT_EQ(parse_reference("reg.example.com/a/b")->registry, "reg.example.com");
  EXPECT_EQ(parse_reference("[::1]:5000/a")->registry, "[::1]:5000");
  EXPECT_EQ(parse_reference("team/x")->registry, "docker.io");
}

TEST(Reference, RefusesWhatNoRegistryTakes) {
  for (const auto& text : std::vector<std::string>{"",
                                                   "/",
                                                   "x/",
                                                   "/x",
                                                   "UPPER/x:1",
                                                   "a//b",
                                                   "a:",
                                                   "a:-b",
                                                   "a:b c",
                                                   "a@sha256:12",
                                                   "a@md5:" + std::string(32, 'a'),
                                                   "host.example:0/x",
                                                   "host.example:99999/x",
                                                   "-host.example/x",
                                                   "a/../b",
                                                   "a/b;id",
                                                   "$(id)",
                                                   "--help",
                                                   "a\nb",
                                                   "a:" + std::string(129, 't'),
                                                   std::string(300, 'a'),
                                                   "a@" + kDigest + "@" + kDigest}) {
    const auto result = parse_reference(text);
    ASSERT_FALSE(result) << text;
    EXPECT_EQ(result.error().code, Errc::kInvalid) << text;
  }
}

TEST(Reference, Digests) {
  EXPECT_TRUE(is_digest(kDigest));
  EXPECT_FALSE(is_digest("sha256:" + std::string(64, 'A')));
  EXPECT_FALSE(is_digest("sha256:" + std::string(63, 'a')));
  EXPECT_FALSE(is_digest(""));
}

}  // namespace
}  // namespace tidegate::image
