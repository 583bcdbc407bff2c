// The whole sequence in this machine's own shell and Python, below a temporary folder.
#include "app/deploy/deployer.h"

#include <algorithm>
#include <sys/stat.h>
#include <thread>

#include "app/deploy/deploy_fixture.h"
#include "release/journal_line.h"
#include "release/release_id.h"

namespace tidegate::app {
namespace {

using testing::DeployTest;
using testing::FolderRegistry;
namespace fs = std::filesystem;

TEST_F(DeployTest, FirstReleaseThenTheNext) {
  const auto first = must_deploy("d1", "v1");
  EXPECT_EQ(live(), first.release);
  EXPECT_EQ(first.digest, FolderRegistry::digest_of("v1"));
  EXPECT_EQ(first.previous, "");
  EXPECT_EQ(run("bert", {"train.py"}), "v1 kind bert hello world");
  EXPECT_EQ(run("kogpt", {"python", "-c", "import os, sys; print(os.environ['COST'], sys.prefix)"}),
            "$5 " + (root_ / "kogpt/releases" / first.release / "venv").string());

  add_image("v2");
  const auto second = must_deploy("d2", "v2");
  EXPECT_EQ(second.previous, first.release);
  EXPECT_EQ(live(), second.release);
  EXPECT_EQ(run("kobart", {"train.py"}), "v2 kind kobart hello world");
  EXPECT_EQ(fs::read_symlink(root_ / "bert/current").string(), "releases/" + second.release);
  EXPECT_FALSE(fs::exists(root_ / "state/lease"));
  EXPECT_FALSE(fs::exists(root_ / "state/incoming" / second.release));
  EXPECT_EQ(sys::read_file(root_ / "shared/app.env").value(),
            "# settings\nexport GREETING=\"hello world\"\nCOST=$5\n");
}

TEST_F(DeployTest, ReleasesSayWhereTheyComeFrom) {
  const auto outcome = must_deploy("d1", "v1");
  const auto tags = release::parse_line(run("bert", {"sh", "-c", "printf %s \"$MLFLOW_RUN_CONTEXT\""}));
  ASSERT_TRUE(tags);
  EXPECT_EQ(tags->at("data.uri"), request("d1", "v1").data_uri);
  EXPECT_EQ(tags->at("cd.image_digest"), outcome.digest);
  EXPECT_EQ(tags->at("mlflow.source.git.commit"), request("d1", "v1").commit);
  const auto infos = deployer_.releases(request("x", "v1").target, nullptr);
  ASSERT_TRUE(infos) << infos.error().message;
  ASSERT_EQ(infos->size(), 3U);
  EXPECT_EQ(infos->front().member, "bert");
  EXPECT_EQ(infos->front().state, "live");
  EXPECT_TRUE(infos->front().live);
  EXPECT_EQ(infos->front().data_uri, request("d1", "v1").data_uri);
  EXPECT_EQ(infos->front().digest, outcome.digest);
}

TEST_F(DeployTest, PackagesComeOfflineAndByHash) {
  add_wheel("v1", "1.0");
  const auto first = must_deploy("d1", "v1");
  const auto venv = [&](const std::string& member, const DeployOutcome& outcome) {
    return (root_ / member / "releases" / outcome.release / "venv").string();
  };
  EXPECT_EQ(run("bert", {"tidedemo"}), "tidedemo 1.0 " + venv("bert", first));
  EXPECT_EQ(run("kogpt", {"tidedemo"}), "tidedemo 1.0 " + venv("kogpt", first));
  EXPECT_EQ(run("kogpt", {"head", "-n", "1", venv("kogpt", first) + "/bin/tidedemo"}),
            "#!" + venv("kogpt", first) + "/bin/python");
  EXPECT_NE(all_lines().find("packages installed"), std::string::npos) << all_lines();
  // The same lock again: nothing is installed or even sent a second time.
  add_image("v2");
  add_wheel("v2", "1.0");
  must_deploy("d2", "v2");
  EXPECT_NE(all_lines().find("on the host already"), std::string::npos) << all_lines();
  // Another version beside it; the one before keeps its own.
  add_image("v3");
  add_wheel("v3", "2.0");
  const auto third = must_deploy("d3", "v3");
  EXPECT_EQ(run("bert", {"tidedemo"}), "tidedemo 2.0 " + venv("bert", third));
  EXPECT_EQ(run("bert", {venv("bert", first) + "/bin/tidedemo"}), "tidedemo 1.0 " + venv("bert", first));
}

TEST_F(DeployTest, BytesThatWereNotTestedAreNotInstalled) {
  const auto first = must_deploy("d1", "v1");
  add_image("v2");
  add_wheel("v2", "1.0", false);
  const auto outcome = deploy(request("d2", "v2"));
  ASSERT_TRUE(outcome) << outcome.error().message;
  EXPECT_EQ(outcome->failed_step, "install");
  EXPECT_NE(outcome->message.find("HASHES"), std::string::npos) << outcome->message;
  EXPECT_EQ(live(), first.release);
}

// A host whose Python has no pip: the venv brings its own.
TEST_F(DeployTest, AHostWithoutPip) {
  sys::Command bare;
  bare.argv = {"/usr/bin/python3", "-c",
               "import ensurepip, sys, venv; venv.create(sys.argv[1], with_pip=False, symlinks=True)",
               (temp_.path() / "bare").string()};
  if (!sys::run_checked(bare)) GTEST_SKIP() << "this machine's Python has no ensurepip (python3-venv)";
  add_wheel("v1", "1.0");
  auto wanted = request("d1", "v1");
  wanted.target.python = (temp_.path() / "bare/bin/python").string();
  const auto outcome = deploy(wanted);
  ASSERT_TRUE(outcome && outcome->live) << (outcome ? outcome->message : outcome.error().message);
  EXPECT_TRUE(run("kobart", {"tidedemo"}).starts_with("tidedemo 1.0 ")) << run("kobart", {"tidedemo"});
}

TEST_F(DeployTest, TheSameDeploymentIsDoneOnce) {
  const auto first = must_deploy("d1", "v1");
  const int extracts = registry_.extracts;
  const auto again = must_deploy("d1", "v1");
  EXPECT_EQ(again.release, first.release);
  EXPECT_EQ(registry_.extracts, extracts);
}

TEST_F(DeployTest, AFailingSmokeGateLeavesTheLiveOne) {
  const auto first = must_deploy("d1", "v1");
  add_image("bad", "sys.exit('no data for ' + os.environ['TIDEGATE_RELEASE'])");
  const auto outcome = deploy(request("d2", "bad"));
  ASSERT_TRUE(outcome) << outcome.error().message;
  EXPECT_FALSE(outcome->live);
  EXPECT_FALSE(outcome->rolled_back);
  EXPECT_EQ(outcome->failed_step, "smoke");
  EXPECT_NE(outcome->message.find("kobart: exit 1: no data for kobart"), std::string::npos)
      << outcome->message;
  EXPECT_EQ(live(), first.release);
  const auto again = deploy(request("d2", "bad"));
  ASSERT_TRUE(again);
  EXPECT_EQ(again->message, outcome->message);
}

TEST_F(DeployTest, AnUnhealthyReleaseGoesBackInAllMembers) {
  const auto first = must_deploy("d1", "v1");
  add_image("sick", "pass", "sys.exit(1 if os.environ['TIDEGATE_RELEASE'] == 'kogpt' else 0)");
  const auto outcome = deploy(request("d2", "sick"));
  ASSERT_TRUE(outcome) << outcome.error().message;
  EXPECT_FALSE(outcome->live);
  EXPECT_TRUE(outcome->rolled_back);
  EXPECT_EQ(outcome->failed_step, "health");
  EXPECT_EQ(outcome->previous, first.release);
  EXPECT_EQ(live(), first.release);
  EXPECT_EQ(run("kogpt", {"train.py"}), "v1 kind kogpt hello world");
  const auto infos = deployer_.releases(request("x", "v1").target, nullptr);
  ASSERT_TRUE(infos);
  EXPECT_EQ(std::ranges::count(*infos, std::string("rolled_back"), &ReleaseInfo::state), 3);
}

TEST_F(DeployTest, AnUnhealthyFirstReleaseLeavesNothingLive) {
  add_image("sick", "pass", "sys.exit(1)");
  const auto outcome = deploy(request("d1", "sick"));
  ASSERT_TRUE(outcome);
  EXPECT_TRUE(outcome->rolled_back);
  EXPECT_EQ(live(), "");
  must_deploy("d2", "v1");
}

TEST_F(DeployTest, RollsBackAndForthWithoutBuilding) {
  const auto first = must_deploy("d1", "v1");
  add_image("v2");
  const auto second = must_deploy("d2", "v2");
  const int extracts = registry_.extracts;
  const auto target = request("x", "v1").target;
  const auto back = deployer_.roll_back(target, "", "b1", {}, nullptr);
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_TRUE(back->live) << back->message;
  EXPECT_EQ(back->release, first.release);
  EXPECT_EQ(back->previous, second.release);
  EXPECT_EQ(live(), first.release);
  ASSERT_TRUE(deployer_.roll_back(target, "", "b1", {}, nullptr)->live);
  EXPECT_EQ(live(), first.release);
  const auto forth = deployer_.roll_back(target, second.release, "b2", {}, nullptr);
  ASSERT_TRUE(forth && forth->live);
  EXPECT_EQ(live(), second.release);
  EXPECT_EQ(registry_.extracts, extracts);
  const auto nowhere = deployer_.roll_back(target, "20200101T000000Z-a-b", "b3", {}, nullptr);
  ASSERT_TRUE(nowhere);
  EXPECT_FALSE(nowhere->live);
  EXPECT_EQ(live(), second.release);
}

TEST_F(DeployTest, RefusalsBeforeAnythingIsTouched) {
  registry_.revision = "another commit";
  EXPECT_EQ(deploy(request("d1", "v1"))->failed_step, "resolve");
  registry_.revision.clear();
  EXPECT_EQ(deploy(request("d2", "unknown"))->failed_step, "resolve");
  auto quarantined = request("d3", "v1");
  quarantined.quarantined = {FolderRegistry::digest_of("v1")};
  EXPECT_EQ(deploy(quarantined)->failed_step, "resolve");
  auto missing = request("d4", "v1");
  missing.target.files.emplace_back("nothing.py");
  const auto lacking = deploy(missing);
  EXPECT_EQ(lacking->failed_step, "extract");
  EXPECT_NE(lacking->message.find("nothing.py"), std::string::npos);
  auto no_env = request("d5", "v1");
  no_env.target.env = "shared/other.env";
  const auto without = deploy(no_env);
  EXPECT_EQ(without->failed_step, "preflight");
  EXPECT_NE(without->message.find("shared/other.env is missing"), std::string::npos) << without->message;
  auto no_python = request("d6", "v1");
  no_python.target.python = "python2.3";
  EXPECT_EQ(deploy(no_python)->failed_step, "preflight");
  registry_.down = true;
  EXPECT_EQ(deploy(request("d7", "v1")).error().code, Errc::kUnavailable);
  control_.refuse = true;
  EXPECT_EQ(deploy(request("d8", "v1")).error().code, Errc::kUnavailable);
  EXPECT_EQ(live(), "");
  EXPECT_FALSE(fs::exists(root_ / "state/lease"));
}

TEST_F(DeployTest, ALeaseKeepsOthersOutUntilItEnds) {
  ASSERT_TRUE(sys::make_directories(root_ / "state"));
  ASSERT_TRUE(sys::write_file(root_ / "state/lease", "abc 99999999999 somebody else\n"));
  const auto refused = deploy(request("d1", "v1"));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::kConflict);
  EXPECT_NE(refused.error().message.find("somebody else"), std::string::npos);
  ASSERT_TRUE(sys::write_file(root_ / "state/lease", "abc 1 somebody else\n"));
  must_deploy("d1", "v1");
  ASSERT_TRUE(sys::write_file(root_ / "state/lease", ""));
  add_image("v2");
  must_deploy("d2", "v2");
}

// A dead connection leaves its script at work; who goes on with the deployment ends that first.
TEST_F(DeployTest, WhoTakesOverEndsTheScriptThatStillRuns) {
  must_deploy("d1", "v1");
  const fs::path started = temp_.path() / "started";
  ASSERT_EQ(::mkfifo(started.c_str(), 0600), 0);
  auto slow = request("d2", "v1");
  slow.target.smoke = "echo up >" + started.string() + "; exec sleep 600";
  slow.target.check_timeout = Seconds{900};
  Result<DeployOutcome> lost = fail(Errc::kInternal, "");
  std::thread first(
      [&] { lost = Deployer(registry_, hosts_, clock_, temp_.path() / "s").deploy(slow, {}, nullptr); });
  ASSERT_EQ(sys::read_file(started).value_or("").substr(0, 3), "up\n");
  testing::LocalHostControl control{.clock = &clock_};
  testing::LocalHosts hosts(control);
  Deployer second(registry_, hosts, clock_, temp_.path() / "t");
  const auto outcome = second.deploy(request("d2", "v1"), {}, nullptr);
  first.join();
  ASSERT_TRUE(outcome && outcome->live) << (outcome ? outcome->message : outcome.error().message);
  EXPECT_FALSE(lost && lost->live);
  EXPECT_EQ(live(), outcome->release);
}

TEST_F(DeployTest, SomethingElseAtCurrentIsLeftAlone) {
  ASSERT_TRUE(sys::make_directories(root_ / "kobart/current/precious"));
  const auto outcome = deploy(request("d1", "v1"));
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->failed_step, "preflight");
  EXPECT_TRUE(fs::exists(root_ / "kobart/current/precious"));
}

TEST_F(DeployTest, KeepsWhatRunsAndWhatCanBeGoneBackTo) {
  auto wanted = request("d0", "v1");
  wanted.target.keep = 1;
  ASSERT_TRUE(deploy(wanted)->live);
  const auto running = live();
  // A program that was started before stays in its release. The pipe says when it has started.
  const fs::path started = temp_.path() / "started";
  ASSERT_EQ(::mkfifo(started.c_str(), 0600), 0);
  sys::StopFlag stop;
  std::thread program([&] {
    sys::Command command;
    command.argv = {(root_ / "bert/current/run").string(), "sh", "-c",
                    "echo up >\"$1\"; exec sleep 60",      "sh", started.string()};
    [[maybe_unused]] const auto exit = sys::run(command, &stop);
  });
  ASSERT_EQ(sys::read_file(started).value_or(""), "up\n");
  for (int i = 1; i <= 4; ++i) {
    wanted.deployment = "d" + std::to_string(i);
    ASSERT_TRUE(deploy(wanted)->live);
  }
  stop.request_stop();
  program.join();
  EXPECT_TRUE(fs::exists(root_ / "bert/releases" / running)) << all_lines();
  EXPECT_FALSE(fs::exists(root_ / "kogpt/releases" / running));
  // live, the one before, one more
  EXPECT_EQ(std::distance(fs::directory_iterator(root_ / "kogpt/releases"), fs::directory_iterator{}), 3);
}

// The connection breaks at every call: it has its effect, and its answer is lost. (What the host sees is the
// same when the next call is never made.) The members are never mixed; the same request then goes on to its
// end, and so does another in its place.
TEST_F(DeployTest, BreaksAtEveryCallAndGoesOn) {
  const auto plain = [&](const std::string& deployment) {
    auto wanted = request(deployment, "v2");
    wanted.target.smoke = wanted.target.check = "true";
    return wanted;
  };
  must_deploy("d0", "v1");
  add_image("v2");
  int at = 0;
  for (; at < 60; ++at) {
    SCOPED_TRACE("call " + std::to_string(at));
    const std::string name = "d" + std::to_string(at);
    const auto before = live();
    control_ = {.calls = 0, .break_at = at, .break_after = true, .refuse = false, .clock = &clock_};
    const auto broken = deploy(plain(name));
    control_.break_at = -1;
    if (control_.calls <= at) break;  // every call has had its turn
    EXPECT_TRUE(live() == before || live().ends_with(FolderRegistry::digest_of("v2").substr(7, 12)));
    const bool other = at % 3 == 2;
    if (other) expire_lease();
    const auto end = deploy(plain(other ? name + "-other" : name));
    ASSERT_TRUE(end && end->live) << (end ? end->message : end.error().message);
    EXPECT_EQ(live(), end->release);
  }
  EXPECT_GT(at, 12);
  EXPECT_LT(at, 60);
}

// The connection breaks at every call, and nobody asks again: the release from before is live afterwards, or
// the new one when its verdict was written.
TEST_F(DeployTest, BreaksAtEveryCallAndIsGivenUp) {
  const auto first = must_deploy("d0", "v1");
  add_image("v2");
  int at = 0;
  int undone = 0;
  for (; at < 60; ++at) {
    SCOPED_TRACE("call " + std::to_string(at));
    auto wanted = request("d-" + std::to_string(at), "v2");
    wanted.target.smoke = wanted.target.check = "true";
    bool may_be_live = false;
    wanted.on_flip = [&](const std::string& release, const std::string& digest) -> Status {
      EXPECT_TRUE(release::is_release_id(release));
      EXPECT_EQ(digest, FolderRegistry::digest_of("v2"));
      EXPECT_EQ(live(), first.release);
      may_be_live = true;
      return {};
    };
    control_ = {.calls = 0, .break_at = at, .break_after = true, .refuse = false, .clock = &clock_};
    const auto broken = deploy(wanted);
    control_.break_at = -1;
    if (control_.calls <= at) break;  // every call has had its turn
    if (!may_be_live) EXPECT_EQ(live(), first.release);
    const auto end = deployer_.abandon(wanted.target, wanted.deployment, {}, nullptr);
    ASSERT_TRUE(end) << end.error().message;
    if (end->live) {
      EXPECT_TRUE(may_be_live);
      EXPECT_EQ(live(), end->release);
      EXPECT_EQ(end->previous, first.release);
      const auto back =
          deployer_.roll_back(wanted.target, first.release, "back-" + wanted.deployment, {}, nullptr);
      ASSERT_TRUE(back) << back.error().message;
    }
    EXPECT_EQ(end->rolled_back, may_be_live && !end->live);
    undone += end->rolled_back ? 1 : 0;
    EXPECT_EQ(live(), first.release);
    const auto again = deployer_.abandon(wanted.target, wanted.deployment, {}, nullptr);
    EXPECT_TRUE(again && again->live == end->live && again->rolled_back == end->rolled_back);
    if (end->release.empty()) continue;  // it never began
    const auto late = deploy(wanted);    // asked all the same, it is told how it ended
    EXPECT_TRUE(late && late->live == end->live && late->rolled_back == end->rolled_back) << all_lines();
    EXPECT_EQ(live(), first.release);
  }
  EXPECT_GT(at, 12);
  EXPECT_LT(at, 60);
  EXPECT_GT(undone, 1);
}

TEST_F(DeployTest, WhatMayNotGoLiveIsNotFlipped) {
  const auto first = must_deploy("d1", "v1");
  add_image("v2");
  auto wanted = request("d2", "v2");
  wanted.on_flip = [](const std::string&, const std::string&) -> Status {
    return fail(Errc::kDenied, "this job is over");
  };
  const auto outcome = deploy(wanted);
  ASSERT_TRUE(outcome) << outcome.error().message;
  EXPECT_FALSE(outcome->live);
  EXPECT_FALSE(outcome->rolled_back);
  EXPECT_EQ(outcome->message, "this job is over");
  EXPECT_EQ(live(), first.release);
  EXPECT_FALSE(fs::exists(root_ / "state/lease"));
}

TEST_F(DeployTest, StopsWhenAskedAndGoesOnLater) {
  sys::StopFlag stop;
  stop.request_stop();
  const auto stopped = deploy(request("d1", "v1"), &stop);
  ASSERT_FALSE(stopped);
  EXPECT_EQ(stopped.error().code, Errc::kCanceled);
  must_deploy("d1", "v1");
}

// Between flip and verdict nobody may leave: neither the old release nor a proven new one would be live.
TEST_F(DeployTest, AStopDuringTheFlipWaitsForTheVerdict) {
  must_deploy("d1", "v1");
  add_image("sick", "pass", "sys.exit(1)");
  sys::StopFlag stop;
  const auto outcome = deployer_.deploy(
      request("d2", "sick"),
      [&](std::string_view line) {
        if (line.find("flipped to") != std::string_view::npos) stop.request_stop();
      },
      &stop);
  ASSERT_TRUE(stop.stop_requested());
  ASSERT_TRUE(outcome) << outcome.error().message;
  EXPECT_TRUE(outcome->rolled_back);
  EXPECT_EQ(live(), outcome->previous);
}

}  // namespace
}  // namespace tidegate::app
