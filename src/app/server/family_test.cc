#include "app/server/family.h"

#include <gtest/gtest.h>

namespace tidegate::app {
namespace {

Pipeline one(std::int64_t project, const std::string& source, const std::string& ref = "main") {
  Pipeline out;
  out.project = ProjectId{project};
  out.source = source;
  out.ref = ref;
  if (source != "push") out.upstream = PipelineId{1};
  return out;
}

// A → B → A → B → A: the third time is too often (GitLab allows one round).
TEST(Family, ProjectsThatTriggerEachOtherGoInCircles) {
  std::vector<Pipeline> line{one(1, "push")};
  for (int round = 0; round < 2; ++round) {
    line.insert(line.begin(), one(2, "pipeline"));
    line.insert(line.begin(), one(1, "pipeline"));
    EXPECT_FALSE(goes_in_circles(line)) << round;
  }
  line.insert(line.begin(), one(2, "pipeline"));
  EXPECT_TRUE(goes_in_circles(line));
}

TEST(Family, ChildrenAndOtherBranchesAreNoCircle) {
  std::vector<Pipeline> line;
  for (int i = 0; i < 5; ++i) line.push_back(one(1, "parent_pipeline"));
  for (int i = 0; i < 5; ++i) line.push_back(one(1, "pipeline", "branch-" + std::to_string(i)));
  EXPECT_FALSE(goes_in_circles(line));
}

TEST(Family, AChildIsWhatATriggerJobOfItsOwnProjectStarted) {
  EXPECT_TRUE(is_child(one(1, "parent_pipeline")));
  EXPECT_FALSE(is_child(one(1, "pipeline")));
  EXPECT_FALSE(is_child(one(1, "push")));
}

}  // namespace
}  // namespace tidegate::app
