// The gate and its train at random: many versions of many sources, people who push, pipelines that end in any
// order, steps that are done twice, and restarts.
#include <algorithm>
#include <map>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "dataset/gate.h"
#include "dataset/train.h"

namespace tidegate::dataset {
namespace {

using enum VersionState;

struct Landed {
  Car car;
  bool good = true;
  std::string tested;  ///< the candidate whose pipeline has passed
  bool failed = false;
  bool again = false;  ///< was flaky, and came back after its turn
};

class World {
 public:
  explicit World(std::uint32_t seed) : random_(seed) {}

  void run() {
    const int versions = 1 + pick(9);
    for (int i = 0; i < versions; ++i) land();
    pushes_ = pick(6);
    for (int i = 0; i < 4000 && !all_final(); ++i) step();
    ASSERT_TRUE(all_final()) << story_;
    check();
  }

 private:
  int pick(int below) { return static_cast<int>(random_() % static_cast<unsigned>(below)); }

  void land() {
    const int source = pick(3);
    Landed version;
    version.car.id = VersionId{static_cast<int>(versions_.size()) + 1};
    version.car.source = std::string(1, static_cast<char>('a' + source));
    version.car.ordered = source < 2;
    version.car.state = kFetching;
    version.good = pick(4) != 0;
    versions_.push_back(version);
  }

  std::vector<Car> train() const {
    std::vector<Car> out;
    for (const Landed& one : versions_) out.push_back(one.car);
    return out;
  }

  bool all_final() const {
    return std::ranges::all_of(versions_, [](const Landed& one) { return is_final(one.car.state); });
  }

  void send(Landed& version, const GateEvent& event) {
    const auto step = next_step({version.car.state, version.car.attempt, "main"}, event);
    if (!step) return;
    story_ += std::to_string(version.car.id.value()) + version.car.source + " " +
              std::string(to_string(step->to)) + "\n";
    version.car.state = step->to;
    // Late and doubled: the same word again says nothing.
    EXPECT_FALSE(next_step({version.car.state, version.car.attempt, "main"}, event)) << story_;
  }

  void step() {
    if (pushes_ > 0 && pick(8) == 0) {
      --pushes_;
      const std::string pushed = "p" + std::to_string(++commits_);
      parents_[pushed] = head_;
      head_ = pushed;
      story_ += "push " + head_ + "\n";
    }
    Landed& version = versions_[static_cast<std::size_t>(pick(static_cast<int>(versions_.size())))];
    switch (version.car.state) {
      case kFetching:
        return pick(20) == 0 ? send(version, Unusable{"gone"}) : send(version, Fetched{});
      case kBinding:
        return bind(version);
      case kTesting:
        return test(version);
      case kPromoting:
        return promote(version);
      case kRollingBack:
        return take_back(version);
      case kDiagnosing:
        return looked_into(version);
      case kBaseline:
      case kWaiting:
      case kLive:
      case kRejected:
      case kSuperseded:
      case kSkipped:
        return;
    }
  }

  void looked_into(Landed& version) {
    const bool again = pick(4) == 0 && !version.again && !newer_came(version);
    version.again = version.again || again;
    send(version, Diagnosed{again, "looked into"});
  }

  // A flaky version goes again only while it is the newest of its source.
  bool newer_came(const Landed& version) const {
    return std::ranges::any_of(versions_, [&](const Landed& other) {
      return other.car.source == version.car.source && other.car.id > version.car.id &&
             (is_under_way(other.car.state) || other.car.state == kLive);
    });
  }

  void bind(Landed& version) {
    const auto base = base_of(train(), version.car.id, head_);
    if (!base) return;
    version.car.base = *base;
    version.car.candidate = "c" + std::to_string(++commits_);
    parents_[version.car.candidate] = *base;
    version.failed = false;
    version.tested.clear();
    ++version.car.attempt;
    send(version, CandidateMade{version.car.candidate, *base});
  }

  void test(Landed& version) {
    if (turn_by_order(train(), version.car.id) == Turn::kStale) {  // given up early
      version.failed = true;
      return send(version, PipelineFailed{"overtaken"});
    }
    if (pick(3) != 0) return;  // it still runs
    version.failed = !version.good || pick(10) == 0;
    if (version.failed) return send(version, PipelineFailed{"job"});
    version.tested = version.car.candidate;
    send(version, PipelinePassed{});
  }

  bool contained(const std::string& commit) {
    for (std::string at = head_; !at.empty(); at = parents_[at]) {
      if (at == commit) return true;
    }
    return false;
  }

  void promote(Landed& version) {
    if (contained(version.car.candidate)) return send(version, Promoted{version.car.candidate});
    switch (turn_of(train(), version.car.id, head_)) {
      case Turn::kWait:
        return;
      case Turn::kStale:
        return send(version, BranchMoved{});
      case Turn::kNow:
        break;
    }
    ASSERT_EQ(version.tested, version.car.candidate) << "promoted what was not tested\n" << story_;
    ASSERT_EQ(parents_[version.car.candidate], head_) << "no fast-forward\n" << story_;
    head_ = version.car.candidate;
    live_.push_back(version.car);
    if (pick(5) == 0) return;  // killed here: the step is done again
    send(version, Promoted{version.car.candidate});
  }

  void take_back(Landed& version) {
    const auto base = base_of(train(), version.car.id, head_);
    const bool stale = !base || *base != version.car.base;
    send(version,
         TakenBack{.stale = stale, .passed = !version.failed, .diagnose = pick(2) == 0, .reason = "job"});
  }

  void check() {
    for (std::size_t i = 0; i < live_.size(); ++i) {
      for (std::size_t j = i + 1; j < live_.size(); ++j) {
        const bool both = live_[i].ordered && live_[j].ordered && !came_back(live_[j]);
        const bool kept = live_[i].source == live_[j].source || both;
        if (kept) ASSERT_LT(live_[i].id, live_[j].id) << story_;
      }
    }
    for (const Landed& one : versions_) {
      const auto times = std::ranges::count(live_, one.car.id, &Car::id);
      ASSERT_EQ(times, one.car.state == kLive ? 1 : 0) << story_;
      if (one.car.state == kLive) ASSERT_TRUE(one.good) << story_;
    }
  }

  bool came_back(const Car& car) const {
    return versions_[static_cast<std::size_t>(car.id.value()) - 1].again;
  }

  std::mt19937 random_;
  std::vector<Landed> versions_;
  std::vector<Car> live_;
  std::map<std::string, std::string> parents_;
  std::string head_ = "m";
  int commits_ = 0;
  int pushes_ = 0;
  std::string story_;
};

TEST(GateRandom, OrderTestsAndOutcomesAgree) {
  for (std::uint32_t seed = 1; seed <= 3'000; ++seed) {
    World(seed).run();
    if (HasFatalFailure()) FAIL() << "seed " << seed;
  }
}

}  // namespace
}  // namespace tidegate::dataset
