// One deployment on several hosts: folders of this machine, each with its own files, clock and faults.
#include <algorithm>
#include <thread>

#include "app/deploy/deploy_fixture.h"
#include "release/release_id.h"

namespace tidegate::app {
namespace {

using testing::FolderRegistry;
using testing::LocalHostControl;
namespace fs = std::filesystem;

class RolloutTest : public testing::DeployTest {
 protected:
  void SetUp() override {
    DeployTest::SetUp();
    for (auto* host : {&b_, &c_}) {
      host->path = root_;
      host->folder = root_.native() + (host == &b_ ? "-b" : "-c");
      fs::create_directories(host->folder);
      fs::copy(root_, host->folder, fs::copy_options::recursive);
      hosts_.others["ssh://" + std::string(host == &b_ ? "b" : "c")] = host;
    }
  }
  DeployRequest on_three(const std::string& deployment, const std::string& tag) const {
    auto out = request(deployment, tag);
    out.target.hosts = {"ssh://local", "ssh://b", "ssh://c"};
    out.target.releases = {"bert", "kogpt"};
    return out;
  }
  // The release of all members on all hosts; a mixture is a failure of the test.
  std::string live_everywhere() const {
    std::set<std::string> seen;
    for (const auto& folder : {root_.string(), b_.folder, c_.folder})
      for (const char* member : {"bert", "kogpt"}) {
        std::error_code error;
        const auto link = fs::read_symlink(fs::path(folder) / member / "current", error);
        seen.insert(error ? "" : link.filename().string());
      }
    EXPECT_EQ(seen.size(), 1U) << "the hosts are mixed\n" << all_lines();
    return *seen.begin();
  }
  std::string journal(const std::string& folder) const {
    return sys::read_file(fs::path(folder) / "state/journal.jsonl").value_or("");
  }
  void expire_all() const {
    for (const auto& folder : {root_.string(), b_.folder, c_.folder}) {
      const auto line = sys::read_file(fs::path(folder) / "state/lease").value_or("");
      const auto words = split(line, ' ');
      if (words.size() < 3) continue;
      ASSERT_TRUE(
          sys::write_file(fs::path(folder) / "state/lease", replace_all(line, " " + words[1] + " ", " 1 ")));
    }
  }

  LocalHostControl b_{.clock = &clock_};
  LocalHostControl c_{.clock = &clock_};
};

TEST_F(RolloutTest, TheCanaryFirstThenTheOthersAndBack) {
  const auto first = deploy(on_three("d1", "v1"));
  ASSERT_TRUE(first && first->live) << all_lines();
  EXPECT_EQ(live_everywhere(), first->release);
  const auto canary = all_lines().find("local: bert, kogpt flipped");
  const auto other = all_lines().find("b: bert, kogpt flipped");
  EXPECT_LT(canary, other) << all_lines();
  EXPECT_EQ(registry_.extracts, 1);
  add_image("v2");
  const auto second = deploy(on_three("d2", "v2"));
  ASSERT_TRUE(second && second->live) << all_lines();
  EXPECT_EQ(second->previous, first->release);
  const auto back = deployer_.roll_back(on_three("", "").target, "", "b1", {}, nullptr);
  ASSERT_TRUE(back && back->live) << (back ? back->message : back.error().message);
  EXPECT_EQ(live_everywhere(), first->release);
  const auto infos = deployer_.releases(on_three("", "").target, nullptr);
  ASSERT_TRUE(infos);
  EXPECT_EQ(std::ranges::count(*infos, true, &ReleaseInfo::live), 6);
  EXPECT_EQ(std::ranges::count(*infos, "ssh://c", &ReleaseInfo::host), 4);
}

// The check knows where it runs by a file of the host.
TEST_F(RolloutTest, OneHostThatIsNotHealthyTakesAllBack) {
  const auto first = deploy(on_three("d1", "v1"));
  ASSERT_TRUE(first && first->live) << all_lines();
  add_image("v2");
  ASSERT_TRUE(sys::write_file(fs::path(c_.folder) / "sick", ""));
  auto wanted = on_three("d2", "v2");
  wanted.target.check = "if [ -e ../../../../sick ]; then echo 'no memory here'; exit 1; fi";
  const auto outcome = deploy(wanted);
  ASSERT_TRUE(outcome) << outcome.error().message;
  EXPECT_TRUE(outcome->rolled_back);
  EXPECT_EQ(outcome->failed_step, "health");
  EXPECT_NE(outcome->message.find("ssh://c: "), std::string::npos) << outcome->message;
  EXPECT_NE(outcome->message.find("no memory here"), std::string::npos) << outcome->message;
  EXPECT_EQ(live_everywhere(), first->release);
  // The canary is sick: the others never flip.
  ASSERT_TRUE(sys::write_file(root_ / "sick", ""));
  wanted.deployment = "d3";
  const auto early = deploy(wanted);
  ASSERT_TRUE(early && early->rolled_back) << all_lines();
  EXPECT_EQ(live_everywhere(), first->release);
  EXPECT_EQ(journal(b_.folder).find("\"d3\",\"from"), std::string::npos) << journal(b_.folder);
}

TEST_F(RolloutTest, OneHostThatCannotTakeItIsSaidBeforeAnyFlips) {
  const auto first = deploy(on_three("d1", "v1"));
  ASSERT_TRUE(first && first->live);
  add_image("v2");
  b_.skew = 900;
  const auto late = deploy(on_three("d2", "v2"));
  ASSERT_TRUE(late) << late.error().message;
  EXPECT_EQ(late->failed_step, "preflight");
  EXPECT_NE(late->message.find("ssh://b: the host's clock is"), std::string::npos) << late->message;
  b_.skew = 0;
  ASSERT_TRUE(sys::write_file(fs::path(c_.folder) / "broken", ""));
  auto wanted = on_three("d3", "v2");
  wanted.target.smoke = "! [ -e ../../../../broken ]";
  const auto smoke = deploy(wanted);
  ASSERT_TRUE(smoke) << smoke.error().message;
  EXPECT_EQ(smoke->failed_step, "smoke");
  EXPECT_FALSE(smoke->rolled_back);
  c_.refuse = true;
  EXPECT_EQ(deploy(on_three("d4", "v2")).error().code, Errc::kUnavailable);
  EXPECT_EQ(live_everywhere(), first->release);
}

// Each host's connection breaks at every call in turn. The same request goes on, or another takes its place,
// or nobody asks again: all hosts are on one release afterwards.
TEST_F(RolloutTest, BreaksAtEveryCallOfEveryHost) {
  const auto plain = [&](const std::string& deployment) {
    auto wanted = on_three(deployment, "v2");
    wanted.target.hosts.pop_back();
    wanted.target.smoke = wanted.target.check = "true";
    return wanted;
  };
  auto begin = plain("d0");
  begin.reference = "v1";
  ASSERT_TRUE(deploy(begin)->live) << all_lines();
  ASSERT_TRUE(sys::remove_tree(c_.folder));
  fs::copy(root_, c_.folder, fs::copy_options::recursive | fs::copy_options::copy_symlinks);
  add_image("v2");
  const auto uniform = [&] {
    std::set<std::string> seen;
    for (const auto& folder : {root_.string(), b_.folder})
      seen.insert(fs::read_symlink(fs::path(folder) / "bert/current").filename().string());
    return seen.size() == 1;
  };
  int ways[3] = {};
  for (auto* host : {&control_, &b_}) {
    // Every other call of one, and the rest of the other.
    for (int at = host == &b_ ? 0 : 1; at < 60; at += 2) {
      SCOPED_TRACE((host == &b_ ? "b, call " : "canary, call ") + std::to_string(at));
      const std::string name = (host == &b_ ? "b" : "a") + std::to_string(at);
      host->calls = 0;
      host->break_at = at;
      host->break_after = at % 4 < 2;
      const auto broken = deploy(plain(name));
      host->break_at = -1;
      if (host->calls <= at) break;  // every call has had its turn
      ++ways[at % 3];
      if (at % 3 == 0) {
        const auto again = deploy(plain(name));
        ASSERT_TRUE(again && again->live) << all_lines();
      } else if (at % 3 == 1) {
        expire_all();
        const auto other = deploy(plain(name + "-other"));
        ASSERT_TRUE(other && other->live) << all_lines();
      } else {
        const auto end = deployer_.abandon(plain(name).target, name, {}, nullptr);
        ASSERT_TRUE(end) << end.error().message;
      }
      ASSERT_TRUE(uniform()) << journal(root_) << journal(b_.folder);
    }
  }
  for (const int way : ways) EXPECT_GT(way, 3);
}

// A host is gone after the canary has flipped. Who gives the deployment up takes the others back at once, and
// it when it answers again.
TEST_F(RolloutTest, AHostThatIsGoneIsTakenBackLater) {
  const auto first = deploy(on_three("d1", "v1"));
  ASSERT_TRUE(first && first->live) << all_lines();
  add_image("v2");
  auto wanted = on_three("d2", "v2");
  wanted.on_flip = [&](const std::string&, const std::string&) -> Status {
    c_.break_at = c_.calls;  // the next call to it: its own flip
    return {};
  };
  const auto broken = deploy(wanted);
  ASSERT_FALSE(broken);
  EXPECT_EQ(broken.error().code, Errc::kUnavailable);
  c_.break_at = -1;
  c_.refuse = true;
  const auto partly = deployer_.abandon(wanted.target, "d2", {}, nullptr);
  ASSERT_FALSE(partly);
  EXPECT_EQ(partly.error().code, Errc::kUnavailable);
  EXPECT_EQ(fs::read_symlink(root_ / "bert/current").filename().string(), first->release)
      << "the canary waits for nobody";
  c_.refuse = false;
  const auto end = deployer_.abandon(wanted.target, "d2", {}, nullptr);
  ASSERT_TRUE(end) << end.error().message;
  EXPECT_FALSE(end->live);
  EXPECT_EQ(live_everywhere(), first->release);
}

// Two servers, each with its own name for what it does, at the same moment: one gets all hosts, the other is
// told who has them.
TEST_F(RolloutTest, OfTwoServersOneWinsAndTheOtherSaysWhoHasIt) {
  ASSERT_TRUE(deploy(on_three("d0", "v1"))->live) << all_lines();
  add_image("v2");
  add_image("v3");
  const auto by = [&](const std::string& server, const std::string& tag) {
    Deployer deployer(registry_, hosts_, clock_, temp_.path() / server);
    return deployer.deploy(on_three(server + "/release-7", tag), {}, nullptr);
  };
  Result<DeployOutcome> one = fail(Errc::kInternal, "");
  std::thread other([&] { one = by("north", "v2"); });
  const auto two = by("south", "v3");
  other.join();
  const bool north = one && one->live;
  const bool south = two && two->live;
  ASSERT_TRUE(north || south) << one.error().message << two.error().message;
  // One may come after the other has ended; then both are live in turn, and the later one stays.
  if (north != south) {
    const auto& lost = north ? two : one;
    ASSERT_FALSE(lost);
    EXPECT_EQ(lost.error().code, Errc::kConflict);
    EXPECT_NE(lost.error().message.find(north ? "north/release-7" : "south/release-7"), std::string::npos)
        << lost.error().message;
    EXPECT_EQ(live_everywhere(), north ? one->release : two->release);
  }
  live_everywhere();
}

TEST_F(RolloutTest, DriftIsNamedWithItsPlace) {
  add_wheel("v1", "1.0");
  const auto first = deploy(on_three("d1", "v1"));
  ASSERT_TRUE(first && first->live) << all_lines();
  const auto target = on_three("", "").target;
  const auto none = deployer_.drift(target, nullptr);
  ASSERT_TRUE(none) << none.error().message;
  for (const auto& drift : *none)
    ADD_FAILURE() << drift.host << drift.member << drift.kind << drift.path << drift.detail;
  const fs::path bert = fs::path(c_.folder) / "bert/releases" / first->release;
  const fs::path site =
      bert / "venv/lib" / fs::directory_iterator(bert / "venv/lib")->path().filename() / "site-packages";
  ASSERT_TRUE(sys::write_file(bert / "src/train.py", "print('mended by hand')\n"));
  ASSERT_TRUE(sys::write_file(bert / "src/extra.py", ""));
  fs::remove(bert / "src/models/kind.py");
  fs::remove(site / "tidedemo.py");
  ASSERT_TRUE(sys::write_file(site / "tidedemo.py", "VERSION = 'other'\n"));
  ASSERT_TRUE(sys::write_file(site / "other.py", ""));
  ASSERT_TRUE(sys::write_file(fs::path(b_.folder) / "shared/app.env", "GREETING=changed\n"));
  fs::remove(root_ / "kogpt/current");
  fs::create_symlink("releases/20200101T000000Z-000000000000-000000000000", root_ / "kogpt/current");
  const auto found = deployer_.drift(target, nullptr);
  ASSERT_TRUE(found) << found.error().message;
  std::set<std::string> seen;
  for (const auto& drift : *found)
    seen.insert(drift.host.substr(6) + " " + drift.member + " " + drift.kind + " " +
                drift.path.substr(drift.path.rfind('/') + 1));
  EXPECT_EQ(seen,
            (std::set<std::string>{"c bert changed train.py", "c bert added extra.py",
                                   "c bert missing kind.py", "c bert changed tidedemo.py",
                                   "c bert added other.py", "b bert changed @env", "b kogpt changed @env",
                                   "local kogpt link current", "local kogpt missing manifest.json"}));
}

TEST_F(RolloutTest, SettingsThatChangeDuringTheFlipAreNoVerdict) {
  const auto first = deploy(on_three("d1", "v1"));
  ASSERT_TRUE(first && first->live) << all_lines();
  add_image("v2");
  auto wanted = on_three("d2", "v2");
  wanted.target.check = "echo GREETING=other >'" + b_.folder + "/shared/app.env'";
  const auto outcome = deploy(wanted);
  ASSERT_TRUE(outcome) << outcome.error().message;
  EXPECT_TRUE(outcome->rolled_back);
  EXPECT_NE(outcome->message.find("was changed while"), std::string::npos) << outcome->message;
  EXPECT_EQ(live_everywhere(), first->release);
  const auto later = deploy(on_three("d3", "v2"));
  ASSERT_TRUE(later && later->live) << all_lines();
  EXPECT_NE(all_lines().find("b: shared/app.env was changed since"), std::string::npos) << all_lines();
}

}  // namespace
}  // namespace tidegate::app
