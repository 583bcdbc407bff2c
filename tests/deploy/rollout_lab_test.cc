// Several real hosts, hosts that go down, programs that run on, and MLflow's own client on a host.
#include <algorithm>
#include <future>
#include <thread>

#include <fmt/core.h>

#include "lab_fixture.h"

namespace tidegate::app {
namespace {

using testing::DeployLab;
using testing::env;

class RolloutLab : public DeployLab {
 protected:
  DeployRequest on_two(const std::string& deployment, const std::string& tag) const {
    auto out = request(deployment, tag);
    out.target.hosts = {"ssh://" + env("TIDEGATE_TRAINING_HOST"), "ssh://" + env("TIDEGATE_GRAPH_HOST")};
    out.target.releases = {"mlp", "softmax"};
    return out;
  }
  // What all members on both hosts are on; a mixture is a failure of the test.
  std::string live() {
    std::set<std::string> seen;
    for (const char* host : {"TIDEGATE_TRAINING_HOST", "TIDEGATE_GRAPH_HOST"})
      for (const auto& link :
           split(on(host, "for m in mlp softmax; do readlink \"$1/$m/current\"; done"), '\n'))
        seen.insert(link);
    EXPECT_EQ(seen.size(), 1U) << join({seen.begin(), seen.end()}, "; ");
    return seen.begin()->substr(seen.begin()->rfind('/') + 1);
  }
  std::string lines() const { return join(lines_, "\n"); }
};

TEST_F(RolloutLab, TwoHostsAsOneAndBack) {
  push("good", "pass");
  push("sick", "sys.exit('no memory') if os.uname().nodename == 'graph-host' else None");
  const auto first = deploy(on_two("d1", "good"));
  ASSERT_TRUE(first && first->live) << lines();
  EXPECT_EQ(live(), first->release);
  const auto second = deploy(on_two("d2", "sick"));
  ASSERT_TRUE(second) << second.error().message;
  EXPECT_TRUE(second->rolled_back);
  EXPECT_NE(second->message.find(env("TIDEGATE_GRAPH_HOST")), std::string::npos) << second->message;
  EXPECT_EQ(live(), first->release);
  const auto third = deploy(on_two("d3", "good"));
  ASSERT_TRUE(third && third->live) << lines();
  const auto back = deployer_->roll_back(on_two("", "").target, "", "b1", {}, nullptr);
  ASSERT_TRUE(back && back->live) << (back ? back->message : back.error().message);
  EXPECT_EQ(live(), first->release);
  const auto drift = deployer_->drift(on_two("", "").target, nullptr);
  ASSERT_TRUE(drift) << drift.error().message;
  for (const auto& one : *drift)
    ADD_FAILURE() << one.host << one.member << one.kind << one.path << one.detail;
  on("TIDEGATE_GRAPH_HOST", "echo '# mended' >>\"$1/mlp/current/src/train.py\"");
  const auto mended = deployer_->drift(on_two("", "").target, nullptr);
  ASSERT_TRUE(mended && mended->size() == 1);
  EXPECT_EQ(mended->front().path, "src/train.py");
}

TEST_F(RolloutLab, TwoServersOneWins) {
  push("good", "pass");
  push("other", "pass");
  ASSERT_TRUE(deploy(on_two("d0", "good"))->live) << lines();
  const auto by = [&](const std::string& server, const std::string& tag) {
    ssh::OpenSsh hosts(
        ssh::Settings{.config_file = env("TIDEGATE_SSH_CONFIG"), .control_dir = temp_.path() / server});
    Deployer deployer(*registry_, hosts, clock_, temp_.path() / ("scratch-" + server));
    return deployer.deploy(on_two(server + "/release-1", tag), {}, nullptr);
  };
  auto other = std::async(std::launch::async, [&] { return by("n", "good"); });
  const auto south = by("s", "other");
  const auto north = other.get();
  const bool n = north && north->live;
  const bool s = south && south->live;
  ASSERT_TRUE(n || s);
  const auto now = live();
  if (n != s) {
    const auto& lost = n ? south : north;
    ASSERT_FALSE(lost);
    EXPECT_NE(lost.error().message.find(n ? "n/release-1" : "s/release-1"), std::string::npos)
        << lost.error().message;
    EXPECT_EQ(now, (n ? north : south)->release);
  }
}

// All processes of the host are ended in mid-flip, and /tmp is emptied; what is on its disk stays. The same
// request goes on; another in its place takes it back first.
TEST_F(RolloutLab, AHostRebootsInTheMiddleOfTheFlip) {
  push("good", "pass");
  const auto first = deploy(on_two("d0", "good"));
  ASSERT_TRUE(first && first->live) << lines();
  for (const bool other : {false, true}) {
    SCOPED_TRACE(other ? "another takes its place" : "the same goes on");
    const std::string name = other ? "d2" : "d1";
    auto wanted = on_two(name, "good");
    wanted.target.check = "if [ -e \"$HOME/hang\" ]; then echo up >\"$HOME/hang\"; exec sleep 300; fi";
    on("TIDEGATE_GRAPH_HOST", "rm -f \"$HOME/hang\"; mkfifo \"$HOME/hang\"");
    auto lost = std::async(std::launch::async, [&] { return deployer_->deploy(wanted, {}, nullptr); });
    // Its check has begun on the second host: the links are set there and nothing is decided.
    ASSERT_EQ(on("TIDEGATE_GRAPH_HOST", "timeout 50 head -n 1 \"$HOME/hang\""), "up");
    on("TIDEGATE_GRAPH_HOST",
       "rm -f \"$HOME/hang\"; find /tmp -user \"$(id -un)\" -delete 2>/dev/null; kill -KILL -1");
    const auto broken = lost.get();
    ASSERT_FALSE(broken);
    EXPECT_EQ(broken.error().code, Errc::kUnavailable) << broken.error().message;
    auto next = other ? on_two("d3", "good") : wanted;
    const auto end = deploy(next);
    ASSERT_TRUE(end && end->live) << (end ? end->message : end.error().message) << lines();
    EXPECT_EQ(live(), end->release);
    if (other)
      EXPECT_NE(
          on("TIDEGATE_GRAPH_HOST", "grep '\"d2\"' \"$1/state/journal.jsonl\" | tail -n 1").find("undone"),
          std::string::npos);
  }
}

// A program that was started before the flip imports after it: from its own release.
TEST_F(RolloutLab, ATrainingThatRunsFinishesOnItsOwnRelease) {
  const std::string program =
      "import os, sys\n"
      "if len(sys.argv) > 1:\n"
      "    open(sys.argv[1], 'w').write('up')\n"
      "    open(sys.argv[1]).read()\n"
      "    import late\n"
      "    print(late.VERSION, sys.prefix, os.environ['TIDEGATE_RELEASE_ID'])\n";
  push_files("v1", {{"train.py", program}, {"late.py", "VERSION = 'one'\n"}});
  push_files("v2", {{"train.py", program}, {"late.py", "VERSION = 'two'\n"}});
  const auto wanted = [&](const std::string& deployment, const std::string& tag) {
    auto out = on_two(deployment, tag);
    out.target.hosts.pop_back();
    out.target.files = {"train.py", "late.py"};
    out.target.keep = 1;
    return out;
  };
  const auto first = deploy(wanted("d1", "v1"));
  ASSERT_TRUE(first && first->live) << lines();
  on("TIDEGATE_TRAINING_HOST", "mkfifo \"$1/gate\"");
  auto run = std::async(std::launch::async, [&] {
    return on("TIDEGATE_TRAINING_HOST", "\"$1/mlp/current/run\" train.py \"$1/gate\"");
  });
  ASSERT_EQ(on("TIDEGATE_TRAINING_HOST", "cat \"$1/gate\""), "up");
  std::string last;
  for (const char* name : {"d2", "d3", "d4", "d5"}) {
    const auto next = deploy(wanted(name, "v2"));
    ASSERT_TRUE(next && next->live) << lines();
    last = next->release;
  }
  // Its release is past what is kept, and stays: a program runs in it. Where none runs it has gone.
  EXPECT_EQ(on("TIDEGATE_TRAINING_HOST", "cd \"$1\" && ls -d */releases/\"$2\"", {first->release}),
            "mlp/releases/" + first->release);
  on("TIDEGATE_TRAINING_HOST", "echo go >\"$1/gate\"");
  EXPECT_EQ(run.get(), "one " + path_ + "/mlp/releases/" + first->release + "/venv " + first->release);
  EXPECT_EQ(on("TIDEGATE_TRAINING_HOST",
               "mkfifo \"$1/g2\"; (read x <\"$1/g2\"; echo go >\"$1/g2\") & "
               "\"$1/mlp/current/run\" train.py \"$1/g2\""),
            "two " + path_ + "/mlp/releases/" + last + "/venv " + last);
}

// MLflow's own client in a release: train.py says nothing of commits, data or images, and its run has them
// all.
TEST_F(RolloutLab, MlflowsClientTagsRunsByTheRelease) {
  const std::string site = on("TIDEGATE_TRAINING_HOST",
                              "python3 - \"$2\" <<'PY'\nimport glob, sys\n"
                              "print(*glob.glob(sys.argv[1] + '/lib/python3*/site-packages'))\nPY",
                              {env("TIDEGATE_HOST_VENV")});
  if (env("TIDEGATE_HOST_VENV").empty() || site.empty())
    GTEST_SKIP() << "the lab's MLflow client is not on the host";
  on("TIDEGATE_TRAINING_HOST", "echo \"PYTHONPATH=$2\" >>\"$1/shared/mlflow.env\"", {site});
  push_files("v1", {{"train.py",
                     "import json, sys\n"
                     "if len(sys.argv) == 1:\n"
                     "    import mlflow\n"
                     "    with mlflow.start_run() as run:\n"
                     "        mlflow.log_metric('loss', 0.5)\n"
                     "    run = mlflow.get_run(run.info.run_id)\n"
                     "    print(json.dumps([run.info.experiment_id, run.data.tags]))\n"}});
  auto wanted = on_two("d1", "v1");
  wanted.target.hosts.pop_back();
  wanted.data_uri = "s3://team-data/training/batch-002.jsonl?versionId=8a";
  wanted.data_sha256 = std::string(64, 'a');
  wanted.pipeline = 7;
  const auto first = deploy(wanted);
  ASSERT_TRUE(first && first->live) << lines();
  const auto printed = on("TIDEGATE_TRAINING_HOST", "\"$1/mlp/current/run\" train.py 2>/dev/null");
  const std::vector<std::string> tags = {"\"mlflow.source.git.commit\": \"" + commit_ + "\"",
                                         "\"data.uri\": \"" + wanted.data_uri + "\"",
                                         "\"data.sha256\": \"" + wanted.data_sha256 + "\"",
                                         "\"cd.image_digest\": \"" + first->digest + "\"",
                                         "\"cd.deployment_id\": \"d1\"",
                                         "\"cd.release_id\": \"" + first->release + "\"",
                                         "\"cd.pipeline_id\": \"7\""};
  for (const auto& tag : tags)
    EXPECT_NE(printed.find(tag), std::string::npos) << tag << " is not in " << printed;
  EXPECT_TRUE(printed.find("[\"" + first->experiment_id + "\"") != std::string::npos) << printed;
}

// Flips and rollbacks, timed: TIDEGATE_MEASURE=20 says how often; nothing is asserted about the time.
TEST_F(RolloutLab, RollsBackAgainAndAgain) {
  const int times = std::max(1, static_cast<int>(parse_integer(env("TIDEGATE_MEASURE")).value_or(1)));
  push("good", "pass");
  auto one = on_two("d1", "good").target;
  one.check.clear();
  one.mlflow = false;
  for (const std::size_t hosts : {std::size_t{1}, std::size_t{2}}) {
    one.hosts = on_two("", "").target.hosts;
    one.hosts.resize(hosts);
    std::string live_now[2];
    for (int i = 0; i < 2; ++i) {
      auto wanted = on_two(fmt::format("m{}-{}", hosts, i), "good");
      wanted.target = one;
      const auto made = deploy(wanted);
      ASSERT_TRUE(made && made->live) << lines();
      live_now[i] = made->release;
    }
    std::vector<long> took;
    for (int i = 0; i < times; ++i) {
      const auto start = std::chrono::steady_clock::now();
      const auto back =
          deployer_->roll_back(one, live_now[i % 2], fmt::format("r{}-{}", hosts, i), {}, nullptr);
      took.push_back(std::chrono::duration_cast<Millis>(std::chrono::steady_clock::now() - start).count());
      ASSERT_TRUE(back && back->live) << (back ? back->message : back.error().message);
      EXPECT_EQ(on("TIDEGATE_TRAINING_HOST", "readlink \"$1/mlp/current\""), "releases/" + live_now[i % 2]);
    }
    std::ranges::sort(took);
    fmt::print("rollback on {} host(s): median {} ms of {} ({} to {})\n", hosts, took[took.size() / 2],
               took.size(), took.front(), took.back());
  }
}

}  // namespace
}  // namespace tidegate::app
