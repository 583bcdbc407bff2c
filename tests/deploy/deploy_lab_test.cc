// The deployer with its real neighbours: image from a registry, host over SSH, MLflow.
#include "lab_fixture.h"

namespace tidegate::app {
namespace {

using testing::DeployLab;

TEST_F(DeployLab, GoodThenSickThenBack) {
  push("good", "pass");
  push("sick", "sys.exit('this model reads nothing')");
  const auto first = deploy(request("d1", "good"));
  ASSERT_TRUE(first) << first.error().message;
  ASSERT_TRUE(first->live) << first->failed_step << ": " << first->message;
  EXPECT_EQ(first->experiment_id, "0");

  const auto second = deploy(request("d2", "sick"));
  ASSERT_TRUE(second) << second.error().message;
  EXPECT_TRUE(second->rolled_back);
  EXPECT_EQ(second->failed_step, "health");
  EXPECT_EQ(second->previous, first->release);
  EXPECT_NE(second->message.find("this model reads nothing"), std::string::npos) << second->message;

  auto quarantined = request("d3", "sick");
  quarantined.quarantined = {second->digest};
  const auto third = deploy(quarantined);
  ASSERT_TRUE(third);
  EXPECT_EQ(third->failed_step, "resolve");

  const auto again = deploy(request("d4", "good"));
  ASSERT_TRUE(again && again->live) << (again ? again->message : again.error().message);
  const auto back = deployer_->roll_back(request("", "").target, "", "b1", {}, nullptr);
  ASSERT_TRUE(back && back->live);
  EXPECT_EQ(back->release, first->release);
  const auto infos = deployer_->releases(request("", "").target, nullptr);
  ASSERT_TRUE(infos);
  for (const auto& info : *infos)
    EXPECT_EQ(info.live, info.release == first->release) << info.member << info.release;
}

TEST_F(DeployLab, MlflowThatIsDownOrNotSetIsSaidBeforeAnythingChanges) {
  push("good", "pass");
  const auto set = [&](const std::string& uri) {
    ASSERT_EQ(
        on("TIDEGATE_TRAINING_HOST", "echo \"MLFLOW_TRACKING_URI=$2\" >\"$1/shared/mlflow.env\"", {uri}), "");
  };
  set("http://127.0.0.1:1");
  const auto down = deploy(request("d1", "good"));
  ASSERT_FALSE(down);
  EXPECT_EQ(down.error().code, Errc::kUnavailable);
  EXPECT_NE(down.error().message.find("MLflow"), std::string::npos) << down.error().message;
  set("./mlruns");
  const auto unset = deploy(request("d2", "good"));
  ASSERT_TRUE(unset) << unset.error().message;
  EXPECT_EQ(unset->failed_step, "preflight");
  EXPECT_NE(unset->message.find("folder instead of a server"), std::string::npos) << unset->message;
  EXPECT_TRUE(deployer_->releases(request("", "").target, nullptr)->empty());
}

}  // namespace
}  // namespace tidegate::app
