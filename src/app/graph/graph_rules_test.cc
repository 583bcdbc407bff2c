#include "app/graph/graph_rules.h"

#include <gtest/gtest.h>

namespace tidegate::app {
namespace {

using Kind = release::GraphProblem::Kind;

TEST(GraphRules, KeepWhatIsNotSaid) {
  const release::GraphRules usual;
  const auto rules = graph_rules({});
  EXPECT_EQ(rules.max_elements, usual.max_elements);
  EXPECT_EQ(rules.grade_bands, usual.grade_bands);
  EXPECT_EQ(rules.subject, usual.subject);
  EXPECT_TRUE(rules.skip.empty());
}

TEST(GraphRules, TakeWhatIsSaid) {
  config::GraphChecks checks;
  checks.max_elements = 7;
  checks.grade_bands = {{3, 6}};
  checks.subject = "Course";
  checks.standard = "Topic";
  checks.embedding = "vector";
  checks.skip = {"grade_order", "cycle", "no such"};
  const auto rules = graph_rules(checks);
  EXPECT_EQ(rules.max_elements, 7U);
  EXPECT_EQ(rules.grade_bands, (std::vector<int>{3, 6}));
  EXPECT_EQ(rules.subject + rules.standard + rules.embedding, "CourseTopicvector");
  EXPECT_EQ(rules.skip, std::set<Kind>{Kind::kGradeOrder}) << "a cycle is never let through";
}

}  // namespace
}  // namespace tidegate::app
