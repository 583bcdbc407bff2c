#include "adapters/http/router.h"

#include <gtest/gtest.h>

#include "adapters/http/target.h"

namespace tidegate::http {
namespace {

using Strings = std::vector<std::string>;
using Pairs = std::vector<std::pair<std::string, std::string>>;

TEST(Target, IsTakenApart) {
  const auto target = parse_target("/api/v4/projects/group%2Fname/jobs?a=1+2&b=%26&c&&d=x=y&bad=%zz");
  ASSERT_TRUE(target);
  EXPECT_EQ(target->raw_path, "/api/v4/projects/group%2Fname/jobs");
  EXPECT_EQ(target->segments, (Strings{"api", "v4", "projects", "group/name", "jobs"}));
  EXPECT_EQ(target->query, (Pairs{{"a", "1 2"}, {"b", "&"}, {"c", ""}, {"d", "x=y"}, {"bad", "%zz"}}));
  EXPECT_EQ(parse_target("/")->segments, Strings{});
  EXPECT_EQ(parse_target("/a/")->segments, Strings{"a"});
  EXPECT_EQ(parse_target("/a//b")->segments, (Strings{"a", "", "b"}));
  EXPECT_EQ(parse_target("/%ED%95%9C+글")->segments, Strings{"한+글"});
  EXPECT_EQ(parse_target("http://host:1/x?y=1")->segments, Strings{"x"});
  EXPECT_EQ(parse_target("http://host")->raw_path, "/");
  EXPECT_EQ(parse_target("*")->raw_path, "*");
}

TEST(Target, HostileOnesAreRefused) {
  for (const std::string bad :
       {"", "x", "x/y", "/%", "/%4", "/%zz", "/a%00b", "/../etc", "/a/..", "/a/%2e%2E/b", "/."}) {
    EXPECT_FALSE(parse_target(bad)) << bad;
  }
  EXPECT_TRUE(parse_target("/..a/b..")) << "dots in names are fine";
  EXPECT_TRUE(parse_target("/a%2F..%2Fb")) << "one segment; whoever uses it as a path decides";
}

class RouterTest : public ::testing::Test {
 protected:
  RouterTest() {
    for (const auto& [method, pattern] : Pairs{{"GET", "/api/v4/projects/:id"},
                                               {"GET", "/api/v4/projects/mine"},
                                               {"POST", "/api/v4/projects/:id"},
                                               {"GET", "/api/v4/projects/:id/jobs/:job/trace"},
                                               {"*", "/git/:project/*rest"},
                                               {"GET", "/"},
                                               {"PUT", "/git/:project/lock"}}) {
      router_.add(method, pattern, {});
    }
  }

  // "pattern a=1 b=2", "404" or "405 allow".
  std::string match(std::string_view method, std::string_view path) {
    const auto found = router_.match(method, parse_target(path)->segments);
    if (found.kind == Router::Match::Kind::kNotFound) return "404";
    if (found.kind == Router::Match::Kind::kWrongMethod) return "405 " + found.allow;
    std::string text = found.pattern;
    for (const auto& [name, value] : found.params) text += " " + name + "=" + value;
    return text;
  }

  Router router_;
};

TEST_F(RouterTest, FindsTheMostLiteralPattern) {
  EXPECT_EQ(match("GET", "/api/v4/projects/7"), "/api/v4/projects/:id id=7");
  EXPECT_EQ(match("GET", "/api/v4/projects/mine"), "/api/v4/projects/mine");
  EXPECT_EQ(match("POST", "/api/v4/projects/mine"), "/api/v4/projects/:id id=mine");
  EXPECT_EQ(match("GET", "/api/v4/projects/a%2Fb/jobs/9/trace"),
            "/api/v4/projects/:id/jobs/:job/trace id=a/b job=9");
  EXPECT_EQ(match("GET", "/"), "/");
  EXPECT_EQ(match("HEAD", "/"), "/");
}

TEST_F(RouterTest, TakesTheRest) {
  EXPECT_EQ(match("POST", "/git/p/info/refs"), "/git/:project/*rest project=p rest=info/refs");
  EXPECT_EQ(match("GET", "/git/p"), "/git/:project/*rest project=p rest=");
  EXPECT_EQ(match("PUT", "/git/p/lock"), "/git/:project/lock project=p");
  EXPECT_EQ(match("GET", "/git/p/lock"), "/git/:project/*rest project=p rest=lock");
}

TEST_F(RouterTest, TellsNoSuchPathFromNoSuchMethod) {
  EXPECT_EQ(match("GET", "/nothing"), "404");
  EXPECT_EQ(match("GET", "/api/v4/projects/7/jobs"), "404");
  EXPECT_EQ(match("GET", "/api/v4/projects//jobs/1/trace"), "404");
  EXPECT_EQ(match("DELETE", "/api/v4/projects/7"), "405 GET, HEAD, POST");
  EXPECT_EQ(match("POST", "/"), "405 GET, HEAD");
}

TEST(RouterDeath, DoublesAreAFaultOfTheProgram) {
  Router router;
  router.add("GET", "/a/:x", {});
  EXPECT_DEATH(router.add("GET", "/a/:y", {}), "twice");
  EXPECT_DEATH(router.add("GET", "/a/*rest/b", {}), "not at the end");
}

}  // namespace
}  // namespace tidegate::http
