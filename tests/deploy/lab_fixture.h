// For tests: the deployer with its real neighbours: image from a registry, hosts over SSH, MLflow. Settings
// as `tools/lab/lab env` prints them.
#pragma once

#include <chrono>
#include <cstdlib>
#include <map>
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

namespace tidegate::app::testing {

namespace fs = std::filesystem;
using registry::testing::file;

inline std::string env(const char* name) {
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
    for (const char* name : {"TIDEGATE_TRAINING_HOST", "TIDEGATE_GRAPH_HOST"})
      ASSERT_EQ(on(name,
                   "mkdir -p \"$1/shared\" && printf '%s\\n' \"$2\" MLFLOW_EXPERIMENT_NAME=Default "
                   ">\"$1/shared/mlflow.env\"",
                   {"MLFLOW_TRACKING_URI=" + env("MLFLOW_TRACKING_URI")}),
                "");
  }
  void TearDown() override {
    if (!hosts_) return;
    for (const char* name : {"TIDEGATE_TRAINING_HOST", "TIDEGATE_GRAPH_HOST"}) on(name, "rm -rf -- \"$1\"");
  }
  // A script on a host, with the target's folder and more as its arguments; what it printed.
  std::string on(const char* host_name, const std::string& script, std::vector<std::string> more = {}) {
    const auto host = hosts_->connect("ssh://" + env(host_name), nullptr);
    if (!host) return host.error().message;
    more.insert(more.begin(), path_);
    const auto done = (*host)->run(script, more, Seconds{60}, nullptr);
    return done ? std::string(trim(done->out)) + (done->exit_code == 0 ? "" : "!" + done->err)
                : done.error().message;
  }
  // Pushes an image whose train.py prints its tag and MLflow's context.
  void push(const std::string& tag, const std::string& check) {
    const std::string program = "import os, sys\nif '--check' in sys.argv:\n    " + check + "\nprint('" +
                                tag +
                                "', os.environ['TIDEGATE_RELEASE'], os.environ['MLFLOW_RUN_CONTEXT'])\n";
    push_files(tag, {{"train.py", program}});
  }
  void push_files(const std::string& tag, const std::map<std::string, std::string>& files) {
    const fs::path dir = temp_.path() / ("image-" + tag);
    ASSERT_TRUE(sys::make_directories(dir));
    std::vector<registry::testing::Item> items = {file("opt/release/requirements.lock", "")};
    for (const auto& [name, content] : files) items.push_back(file("opt/release/" + name, content));
    registry::testing::write_image(dir, {registry::testing::layer_bytes(items)}, commit_);
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
  std::string path_ = "/home/" + env("TIDEGATE_SSH_USER") + "/tidegate-test-" + random_hex(4);
  std::string repository_ = env("TIDEGATE_REGISTRY") + "/test/deploy-" + random_hex(4);
  std::string commit_ = "0123456789abcdef0123456789abcdef01234567";
  SystemClock clock_;
  std::unique_ptr<registry::Skopeo> registry_;
  std::unique_ptr<ssh::OpenSsh> hosts_;
  std::unique_ptr<Deployer> deployer_;
  std::vector<std::string> lines_;
};

}  // namespace tidegate::app::testing
