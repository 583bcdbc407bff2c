#include "app/server/include_policy.h"

#include <gtest/gtest.h>

namespace tidegate::app {
namespace {

TEST(MayInclude, ItsOwnGroupAndWhatIsShared) {
  const std::vector<std::string> shared = {"ci/templates", "tools/*"};
  struct Case {
    std::string other;
    bool allowed;
  };
  const Case cases[] = {
      {"team/app", true},        {"team/lib", true},     {"Team/deep/lib", true}, {"other/app", false},
      {"teams/app", false},      {"ci/templates", true}, {"CI/Templates", true},  {"ci/templates2", false},
      {"ci/templates/x", false}, {"tools/a", true},      {"tools/a/b", true},     {"toolset/a", false},
  };
  for (const Case& one : cases)
    EXPECT_EQ(may_include("team/app", one.other, shared), one.allowed) << one.other;
  EXPECT_FALSE(may_include("team/app", "tools/a", {}));
}

TEST(HostOf, IsWhatStandsBeforeThePath) {
  EXPECT_EQ(host_of("https://ci.example.com:8443"), "ci.example.com:8443");
  EXPECT_EQ(host_of("http://127.0.0.1:8080/base"), "127.0.0.1:8080");
}

}  // namespace
}  // namespace tidegate::app
