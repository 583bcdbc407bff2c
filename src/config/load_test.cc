#include "config/load.h"

#include <map>

#include <gtest/gtest.h>

#include "config/testing.h"

namespace tidegate::config {
namespace {

using testing::load_text;

TEST(Load, ReadsASmallPipeline) {
  const Loaded loaded = load_text(R"(
stages: [build, test]
image: python:3.11
variables: {MODE: fast, RATE: 1.10}
build:
  stage: build
  script: make
unit:
  stage: test
  needs: [build]
  script:
    - pytest
    - [a, [b]]
  rules:
    - if: $CI_COMMIT_BRANCH
      changes: [src/**/*]
      when: manual
  artifacts: {paths: [out/], expire_in: 2 days, reports: {junit: out/junit.xml}}
)");
  ASSERT_TRUE(loaded.definition) << testing::text_of(loaded.diagnostics);
  EXPECT_TRUE(loaded.diagnostics.empty()) << testing::text_of(loaded.diagnostics);
  const Definition& d = *loaded.definition;
  EXPECT_EQ(d.stages, (std::vector<std::string>{".pre", "build", "test", ".post"}));
  ASSERT_EQ(d.variables.size(), 2U);
  EXPECT_EQ(d.variables[1].value, "1.1");
  ASSERT_EQ(d.jobs.size(), 2U);
  const Job& unit = d.jobs[1];
  EXPECT_EQ(unit.script, (std::vector<std::string>{"pytest", "a", "b"}));
  EXPECT_EQ(unit.image->name, "python:3.11");
  EXPECT_EQ(unit.needs->at(0).job, "build");
  EXPECT_EQ(unit.rules->at(0).when, When::kManual);
  EXPECT_EQ(unit.artifacts->expire_in, Seconds{2 * 86400});
  EXPECT_EQ(unit.place.line, 8U);
}

TEST(Load, NamesThePlaceOfAnUnknownKeywordAndTheNearOne) {
  const Loaded loaded = load_text("job:\n  scirpt: make\n");
  EXPECT_FALSE(loaded.definition);
  ASSERT_FALSE(loaded.diagnostics.empty());
  const auto found = testing::find(loaded.diagnostics, "unknown-keyword");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->place, (Place{.file = ".gitlab-ci.yml", .line = 2, .column = 3}));
  EXPECT_EQ(found->hint, "Did you mean script?");
}

}  // namespace
}  // namespace tidegate::config
