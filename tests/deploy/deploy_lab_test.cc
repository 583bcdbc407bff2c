// The deployer with its real neighbours: image from a registry, host over SSH, MLflow. Settings as
// `tools/lab/lab env` prints them.
#include <chrono>
#include <cstdlib>
#include <memory>

#include <gtest/gtest.h>

#include "adapters/registry/skopeo.h"
#include "adapters/registry/test_layers.h"
#include "adapters/ssh/open_ssh.h"
#include "app/deploy/deployer.h"
#include "base/sha256.h"
#include "base/text.h"
#include "sys/file.h"
#include "sys/process.h"

namespace tidegate::app {
namespace {
namespace fs = std::filesystem;
using registry::testing::file;

std::string env(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

class SystemClock final : public Clock {
 public:
  Instant now() const override {
    return std::chrono::time_point_cast<Millis>(std::chrono::system_clock::now());
  }
};

class DeployLab : public ::testing::Test {
 protected:
  void SetUp() override {
    for (const char* name : {"TIDEGATE_TRAINING_HOST", "TIDEGATE_REGISTRY", "MLFLOW_TRACKING_URI"})
      if (env(name).empty()) GTEST_SKIP() << "no lab: " << name << " is not set (tools/lab/lab env)";
    registry_ = std::make_unique<registry::Skopeo>(
        registry::Settings{.registry = env("TIDEGATE_REGISTRY"),
                           .user = env("TIDEGATE_REGISTRY_USER"),
                           .password = Secret(env("TIDEGATE_REGISTRY_PASSWORD")),
                           .cert_dir = env("TIDEGATE_REGISTRY_CERT_DIR"),
                           .cache_dir = temp_.path() / "cache"});
    hosts_ = std::make_unique<ssh::OpenSsh>(
        ssh::Settings{.config_file = env("TIDEGATE_SSH_CONFIG"), .control_dir = temp_.path() / "c"});
    deployer_ = std::make_unique<Deployer>(*registry_, *hosts_, clock_, temp_.path() / "scratch");
    const auto host = hosts_->connect("ssh://" + env("TIDEGATE_TRAINING_HOST"), nullptr);
    ASSERT_TRUE(host) << host.error().message;
    const auto made = (*host)->run(
        "mkdir -p \"$1/shared\" && printf '%s\\n' \"$2\" MLFLOW_EXPERIMENT_NAME=Default "
        ">\"$1/shared/mlflow.env\"",
        {path_, "MLFLOW_TRACKING_URI=" + env("MLFLOW_TRACKING_URI")}, Seconds{20}, nullptr);
    ASSERT_TRUE(made && made->exit_code == 0);
  }
  void TearDown() override {
    if (!hosts_) return;
    if (const auto host = hosts_->connect("ssh://" + env("TIDEGATE_TRAINING_HOST"), nullptr); host)
        [[maybe_unused]]
      const auto gone = (*host)->run("rm -rf -- \"$1\"", {path_}, Seconds{30}, nullptr);
  }
  // Pushes an image whose train.py prints its tag and MLflow's context.
  void push(const std::string& tag, const std::string& check) {
    const fs::path dir = temp_.path() / ("image-" + tag);
    ASSERT_TRUE(sys::make_directories(dir));
    const std::string program = "import os, sys\nif '--check' in sys.argv:\n    " + check + "\nprint('" +
                                tag +
                                "', os.environ['TIDEGATE_RELEASE'], os.environ['MLFLOW_RUN_CONTEXT'])\n";
    registry::testing::write_image(
        dir,
        {registry::testing::layer_bytes(
            {file("opt/release/train.py", program), file("opt/release/requirements.lock", "")})},
        commit_);
    const fs::path auth = temp_.path() / "auth.json";
    ASSERT_TRUE(sys::write_file(
        auth,
        "{\"auths\":{\"" + env("TIDEGATE_REGISTRY") + "\":{\"auth\":\"" +
            base64_encode(env("TIDEGATE_REGISTRY_USER") + ":" + env("TIDEGATE_REGISTRY_PASSWORD")) + "\"}}}",
        0600));
    sys::Command command;
    command.argv = {"skopeo",
                    "--insecure-policy",
                    "copy",
                    "--quiet",
                    "--authfile",
                    auth,
                    "--dest-cert-dir",
                    env("TIDEGATE_REGISTRY_CERT_DIR"),
                    "dir:" + dir.string(),
                    "docker://" + repository_ + ":" + tag};
    const auto pushed = sys::run_checked(command);
    ASSERT_TRUE(pushed) << pushed.error().message;
  }
  DeployRequest request(const std::string& deployment, const std::string& tag) const {
    DeployRequest out;
    out.deployment = deployment;
    out.target.name = "training";
    out.target.hosts = {"ssh://" + env("TIDEGATE_TRAINING_HOST")};
    out.target.path = path_;
    out.target.releases = {"softmax", "mlp", "prototype"};
    out.target.files = {"train.py"};
    out.target.env = "shared/mlflow.env";
    out.target.smoke = "python train.py --smoke";
    out.target.check = "python train.py --check";
    out.target.mlflow = true;
    out.repository = repository_;
    out.reference = tag;
    out.commit = commit_;
    return out;
  }
  Result<DeployOutcome> deploy(const DeployRequest& wanted) {
    lines_.clear();
    return deployer_->deploy(wanted, [&](std::string_view line) { lines_.emplace_back(line); }, nullptr);
  }

  sys::TempDirectory temp_ = sys::TempDirectory::make("/tmp", "tidegate-lab-").value();
  std::string path_ = "/tmp/tidegate-test-" + random_hex(4);
  std::string repository_ = env("TIDEGATE_REGISTRY") + "/test/deploy-" + random_hex(4);
  std::string commit_ = "0123456789abcdef0123456789abcdef01234567";
  SystemClock clock_;
  std::unique_ptr<registry::Skopeo> registry_;
  std::unique_ptr<ssh::OpenSsh> hosts_;
  std::unique_ptr<Deployer> deployer_;
  std::vector<std::string> lines_;
};

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
  const auto host = hosts_->connect("ssh://" + env("TIDEGATE_TRAINING_HOST"), nullptr);
  ASSERT_TRUE(host);
  const auto set = [&](const std::string& uri) {
    const auto done = (*host)->run("echo \"MLFLOW_TRACKING_URI=$2\" >\"$1/shared/mlflow.env\"", {path_, uri},
                                   Seconds{20}, nullptr);
    ASSERT_TRUE(done && done->exit_code == 0);
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
