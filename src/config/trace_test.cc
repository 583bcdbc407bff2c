#include <gtest/gtest.h>

#include "config/testing.h"

namespace tidegate::config {
namespace {

std::string way_of(const Diagnostic& found) {
  std::string out = found.job;
  for (const Hop& hop : found.via)
    out += " < " + hop.what +
           (hop.place.line == 0 ? "" : " " + hop.place.file + ":" + std::to_string(hop.place.line));
  return out;
}

struct Way {
  const char* name;
  const char* text;
  const char* code;
  const char* way;
};

const Way kWays[] = {
    {"in the job itself", "job: {script: x, retry: 9}", "invalid-value", "job"},
    {"about no job", "stages: 1\njob: {script: x}", "invalid-type", ""},
    {"by extends", ".base: {retry: 9}\njob: {extends: .base, script: x}", "invalid-value",
     "job < extends .base .gitlab-ci.yml:2"},
    {"by extends of extends", ".a: {retry: 9}\n.b: {extends: .a}\njob: {extends: [.b], script: x}",
     "invalid-value", "job < extends .b .gitlab-ci.yml:3 < extends .a .gitlab-ci.yml:2"},
    {"by reference", ".a:\n  script: [{x: y}]\njob:\n  script:\n    - !reference [.a, script]",
     "invalid-type", "job < !reference [.a, script] .gitlab-ci.yml:5"},
    {"by an alias", ".a: &a\n  retry: 9\njob:\n  <<: *a\n  script: x", "invalid-value",
     "job < the text of .a"},
    {"from default", "default:\n  tags: 7\njob:\n  script: x", "invalid-type", ""},
    {"from an included file", "include: ci/a.yml", "unknown-stage",
     "deploy < include of ci/a.yml .gitlab-ci.yml:1"},
    {"by extends from a file that is included by one that is included",
     "include: [ci/top.yml]\njob:\n  extends: .base\n  script: x", "invalid-value",
     "job < extends .base .gitlab-ci.yml:3 < include of ci/base.yml ci/top.yml:1 < include of ci/top.yml "
     ".gitlab-ci.yml:1"},
};

TEST(Trace, TellsHowATextCameIntoTheJob) {
  const std::map<std::string, std::string> files = {
      {"ci/a.yml", "deploy: {stage: nowhere, script: x}\n"},
      {"ci/top.yml", "include: ci/base.yml\n"},
      {"ci/base.yml", "# shared\n.base:\n  retry: 9\n"},
  };
  for (const Way& way : kWays) {
    const Loaded loaded = testing::load_text(way.text, files);
    const auto found = testing::find(loaded.diagnostics, way.code);
    ASSERT_TRUE(found) << way.name << "\n" << testing::text_of(loaded.diagnostics);
    EXPECT_EQ(way_of(*found), way.way) << way.name;
  }
}

TEST(Trace, EndsWhereEntriesTakeFromEachOtherInACircle) {
  const Loaded loaded =
      testing::load_text(".a: {extends: .b}\n.b: {extends: .a}\n.c: {x: 1}\njob: {extends: .a, retry: 9}");
  for (const Diagnostic& found : loaded.diagnostics) EXPECT_LE(found.via.size(), 2U);
  EXPECT_TRUE(testing::find(loaded.diagnostics, "extends-cycle"));
}

}  // namespace
}  // namespace tidegate::config
