// The group's state machine against a simulated host that crashes everywhere: between steps, in the middle of
// a journal line, between two links.
#include "release/group.h"

#include <random>

#include <gtest/gtest.h>

#include "release/release_id.h"

namespace tidegate::release {
namespace {

const std::vector<std::string> kMembers = {"bert", "kobart", "kogpt"};

// What survives a crash.
struct Host {
  std::string journal;
  Links links;
  std::map<std::string, std::set<std::string>> installed;  // release → members
  std::set<std::string> unhealthy;
  std::set<std::string> broken;  // fails its smoke gate
};

struct Crash {};

// Carries actions out; crashes when its fuse has burnt down. Steps that the host does one by one burn one by
// one.
class Runner {
 public:
  Runner(Host& host, int fuse) : host_(host), fuse_(fuse) {}

  Attempt run(const Goal& goal) {
    std::optional<std::string> smoke;
    std::optional<std::string> health;
    for (int i = 0; i < 100; ++i) {
      Facts facts{read_journal(host_.journal), {}, {}, smoke, health};
      for (const auto& member : members_of_interest(goal, facts.journal))
        facts.links[member] = host_.links[member];
      facts.installed = host_.installed[goal.release];
      const auto action = next(goal, facts);
      if (const auto* done = std::get_if<Finished>(&action)) return done->attempt;
      if (const auto* write = std::get_if<WriteRecord>(&action)) append(write_record(write->record));
      if (const auto* point = std::get_if<Point>(&action)) move(point->links);
      if (std::holds_alternative<Install>(action)) install(goal);
      if (std::holds_alternative<RunSmoke>(action)) smoke = verdict(host_.broken, goal.release);
      if (std::holds_alternative<RunCheck>(action)) health = verdict(host_.unhealthy, goal.release);
    }
    ADD_FAILURE() << "it never ends\n" << host_.journal;
    return {};
  }

 private:
  void burn() {
    if (fuse_-- == 0) throw Crash{};
  }
  void append(const std::string& line) {
    burn();
    if (!host_.journal.empty() && host_.journal.back() != '\n') host_.journal += '\n';
    if (fuse_ == 0) {
      host_.journal += line.substr(0, line.size() / 2);
      burn();
    }
    host_.journal += line + "\n";
    burn();
  }
  void move(const Links& links) {
    for (const auto& [member, link] : links) {
      burn();
      host_.links[member] = link;
    }
    burn();
  }
  void install(const Goal& goal) {
    for (const auto& member : goal.members) {
      burn();
      host_.installed[goal.release].insert(member);
    }
  }
  std::string verdict(const std::set<std::string>& bad, const std::string& release) {
    burn();
    return bad.contains(release) ? "bad" : "";
  }

  Host& host_;
  int fuse_;
};

constexpr int kNever = 1'000'000;

Goal deploy(std::string deployment, std::string release) {
  return {std::move(deployment), std::move(release), kMembers, false, "sha256:d", "c", "1", false};
}
Goal roll_back(std::string deployment, std::string release) {
  return {std::move(deployment), std::move(release), kMembers, true, "", "", "", false};
}

std::string live(const Host& host) {
  std::set<std::string> seen;
  for (const auto& member : kMembers) {
    const auto it = host.links.find(member);
    seen.insert(it == host.links.end() ? "" : Layout::release_of(it->second));
  }
  EXPECT_EQ(seen.size(), 1U) << "the members are mixed\n" << host.journal;
  return *seen.begin();
}

Host with_two_releases() {
  Host host;
  EXPECT_EQ(Runner(host, kNever).run(deploy("d1", "r1")).phase, Op::kLive);
  EXPECT_EQ(Runner(host, kNever).run(deploy("d2", "r2")).phase, Op::kLive);
  EXPECT_EQ(live(host), "r2");
  return host;
}

TEST(Group, FirstReleaseAndItsFailures) {
  Host host;
  host.unhealthy = {"r1"};
  host.broken = {"r2"};
  EXPECT_EQ(Runner(host, kNever).run(deploy("d1", "r1")).phase, Op::kUndone);
  EXPECT_EQ(live(host), "");
  const auto failed = Runner(host, kNever).run(deploy("d2", "r2"));
  EXPECT_EQ(failed.phase, Op::kFailed);
  EXPECT_EQ(failed.record.step, "smoke");
  EXPECT_EQ(live(host), "");
  EXPECT_EQ(Runner(host, kNever).run(deploy("d3", "r3")).phase, Op::kLive);
  EXPECT_EQ(live(host), "r3");
}

TEST(Group, RepeatedRequestsFindThemselvesDone) {
  auto host = with_two_releases();
  const auto before = host.journal;
  EXPECT_EQ(Runner(host, 0).run(deploy("d1", "r1")).phase, Op::kLive);
  EXPECT_EQ(Runner(host, 0).run(deploy("d2", "r2")).phase, Op::kLive);
  EXPECT_EQ(host.journal, before);
  EXPECT_EQ(live(host), "r2");
}

TEST(Group, RollsBackWithoutBuilding) {
  auto host = with_two_releases();
  const auto done = Runner(host, kNever).run(roll_back("b1", "r1"));
  EXPECT_EQ(done.phase, Op::kLive);
  EXPECT_TRUE(done.record.roll_back);
  EXPECT_EQ(live(host), "r1");
  host.installed["r2"].erase("kobart");
  EXPECT_EQ(Runner(host, kNever).run(roll_back("b2", "r2")).phase, Op::kFailed);
  EXPECT_EQ(live(host), "r1");
}

// Whoever comes after a crash, the group is whole again, and never on a release that nobody found healthy.
void crash_everywhere(const Goal& first, const std::vector<Goal>& then,
                      const std::set<std::string>& unhealthy) {
  for (const auto& second : then) {
    for (int fuse = 0;; ++fuse) {
      auto host = with_two_releases();
      host.unhealthy = unhealthy;
      SCOPED_TRACE(first.deployment + " then " + second.deployment + " fuse " + std::to_string(fuse));
      bool crashed = false;
      try {
        Runner(host, fuse).run(first);
      } catch (const Crash&) {
        crashed = true;
      }
      const auto end = Runner(host, kNever).run(second);
      const auto now = live(host);
      EXPECT_FALSE(!second.roll_back && unhealthy.contains(now)) << host.journal;
      if (end.phase == Op::kLive) EXPECT_EQ(now, end.record.release) << host.journal;
      if (end.phase == Op::kUndone || end.phase == Op::kFailed)
        EXPECT_NE(now, second.release) << host.journal;
      if (!crashed) break;
    }
  }
}

TEST(Group, CrashAfterEveryStepOfADeploymentThatIsHealthy) {
  crash_everywhere(deploy("d3", "r3"), {deploy("d3", "r3"), deploy("d4", "r4"), roll_back("b1", "r1")}, {});
}

TEST(Group, CrashAfterEveryStepOfADeploymentThatIsNot) {
  crash_everywhere(deploy("d3", "r3"), {deploy("d3", "r3"), deploy("d4", "r4"), roll_back("b1", "r1")},
                   {"r3"});
}

TEST(Group, CrashAfterEveryStepOfARollback) {
  crash_everywhere(roll_back("b1", "r1"), {roll_back("b1", "r1"), deploy("d3", "r3"), roll_back("b2", "r1")},
                   {});
}

// Wherever it stopped: what nobody judged is undone, what was judged stays, and nothing new begins.
TEST(Group, AnAbandonedDeploymentComesToItsEnd) {
  int undone = 0;
  for (int fuse = 0;; ++fuse) {
    SCOPED_TRACE("fuse " + std::to_string(fuse));
    auto host = with_two_releases();
    bool crashed = false;
    try {
      Runner(host, fuse).run(deploy("d3", "r3"));
    } catch (const Crash&) {
      crashed = true;
    }
    const auto before = read_journal(host.journal);
    if (const auto* begun = before.find("d3"); begun != nullptr) {
      const bool flipped = begun->is_open();
      auto goal = deploy("d3", "r3");
      goal.abandon = true;
      const auto end = Runner(host, kNever).run(goal);
      EXPECT_EQ(live(host), crashed ? "r2" : "r3") << host.journal;
      EXPECT_EQ(end.phase, !crashed ? Op::kLive : flipped ? Op::kUndone : Op::kFailed) << host.journal;
      undone += flipped ? 1 : 0;
      const auto journal = host.journal;
      EXPECT_EQ(Runner(host, 0).run(goal).phase, end.phase);
      EXPECT_EQ(Runner(host, 0).run(deploy("d3", "r3")).phase, end.phase);  // its owner comes back
      EXPECT_EQ(host.journal, journal);
      EXPECT_EQ(Runner(host, kNever).run(deploy("d4", "r4")).phase, Op::kLive);
    }
    if (!crashed) break;
  }
  EXPECT_GT(undone, 2);
}

// Many deployments and rollbacks, each crashing at random places and repeated or overtaken at random.
TEST(Group, RandomHistoriesStayWhole) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  for (int round = 0; round < 20; ++round) {
    Host host;
    std::string believed;
    std::vector<std::string> were_live;
    for (int n = 0; n < 12; ++n) {
      const std::string release = "r" + std::to_string(n);
      if (random() % 4 == 0) host.unhealthy.insert(release);
      if (random() % 8 == 0) host.broken.insert(release);
      const bool back = !were_live.empty() && random() % 4 == 0;
      const auto goal = back ? roll_back("b" + std::to_string(n), were_live[random() % were_live.size()])
                             : deploy("d" + std::to_string(n), release);
      std::optional<Attempt> end;
      for (int tries = 0; tries < 3 && !end; ++tries) {
        try {
          end = Runner(host, static_cast<int>(random() % 40)).run(goal);
        } catch (const Crash&) {
        }
      }
      if (!end) continue;  // given up by its owner; the next one settles it
      const auto now = live(host);
      if (end->phase == Op::kLive) {
        EXPECT_EQ(now, goal.release);
        were_live.push_back(now);
      } else {
        EXPECT_TRUE(back || now != goal.release);
      }
      EXPECT_FALSE(host.unhealthy.contains(now) && !back && end->phase == Op::kLive) << host.journal;
    }
    const auto settled = Runner(host, kNever).run(deploy("last", "good"));
    EXPECT_EQ(settled.phase, Op::kLive);
    EXPECT_EQ(live(host), "good");
    if (::testing::Test::HasFailure()) FAIL() << host.journal;
  }
}

}  // namespace
}  // namespace tidegate::release
