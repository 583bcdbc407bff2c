#include "app/deploy/check_request.h"

#include <gtest/gtest.h>

namespace tidegate::app {
namespace {

config::Target target() {
  config::Target out;
  out.name = "training";
  out.hosts = {"ssh://a", "ssh://b"};
  out.path = "/srv/training";
  out.releases = {"bert", "kobart"};
  out.env = "shared/mlflow.env";
  return out;
}

TEST(CheckRequest, TargetsThatCannotBe) {
  EXPECT_TRUE(check_target(target()));
  const auto refused = [](auto change) {
    auto changed = target();
    change(changed);
    const auto result = check_target(changed);
    return !result && result.error().code == Errc::kInvalid;
  };
  EXPECT_TRUE(refused([](auto& t) { t.path = "srv"; }));
  EXPECT_TRUE(refused([](auto& t) { t.hosts.clear(); }));
  EXPECT_TRUE(refused([](auto& t) { t.hosts = {"ssh://a", "ssh://a"}; }));
  EXPECT_TRUE(refused([](auto& t) { t.path = "/srv/$(id)"; }));
  EXPECT_TRUE(refused([](auto& t) { t.releases.clear(); }));
  EXPECT_TRUE(refused([](auto& t) { t.releases = {"a", "a"}; }));
  EXPECT_TRUE(refused([](auto& t) { t.releases = {"state"}; }));
  EXPECT_TRUE(refused([](auto& t) { t.releases = {"../x"}; }));
  EXPECT_TRUE(refused([](auto& t) { t.env = "/etc/shadow"; }));
  EXPECT_TRUE(refused([](auto& t) { t.python = "-c"; }));
}

TEST(CheckRequest, OnlyTheTestedImageGoesOut) {
  DeployRequest request;
  request.commit = "abc";
  ImageInfo image;
  image.digest = "sha256:1";
  EXPECT_TRUE(check_image(request, image));
  image.labels["org.opencontainers.image.revision"] = "abc";
  EXPECT_TRUE(check_image(request, image));
  image.labels["org.opencontainers.image.revision"] = "other";
  EXPECT_EQ(check_image(request, image).error().code, Errc::kDenied);
  image.labels.clear();
  request.quarantined = {"sha256:0", "sha256:1"};
  EXPECT_EQ(check_image(request, image).error().code, Errc::kDenied);
}

}  // namespace
}  // namespace tidegate::app
