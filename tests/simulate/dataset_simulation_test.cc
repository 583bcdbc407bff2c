// Intake and coalescing in a world of their own: a bucket whose messages are lost, doubled and late, listings
// that close the gaps, and a server that dies at any write. The rim here is that of the server in small: what
// it stores and when (app/server/sources.cc, gate.cc).
#include <algorithm>
#include <deque>
#include <optional>
#include <set>
#include <vector>

#include <fmt/core.h>

#include "dataset/coalesce.h"
#include "dataset/intake.h"
#include "simulation.h"

namespace tidegate::simulate {
namespace {

using dataset::ObjectEvent;
using dataset::Verdict;

enum class Fate : std::uint8_t { kWaiting, kRunning, kDone, kSuperseded };

struct StoredVersion {
  std::string identity;
  ObjectEvent event;
  Instant landed{};
  Fate fate = Fate::kWaiting;
};

struct Stored {
  std::map<std::string, dataset::KeyState> keys;
  std::set<std::string> seen;
  std::vector<StoredVersion> versions;
};

/// How a store tells of itself.
struct Dialect {
  bool sequencers = true;
  bool whole_seconds = false;
  bool asks_again = true;  ///< repeats what was not acknowledged
};

class DatasetWorld {
 public:
  explicit DatasetWorld(std::uint32_t seed) : sim_(seed), stored_(sim_) {
    dialect_.sequencers = sim_.chance(60);
    dialect_.whole_seconds = !dialect_.sequencers && sim_.chance(50);
    dialect_.asks_again = sim_.chance(50);
    quiet_ = Millis{sim_.chance(20) ? 0 : 1000 * (1 + sim_.pick(60))};
    sim_.on_restart([this] { start(); });
  }

  std::int64_t run() {
    sim_.crash_once_in(20 + sim_.pick(200));
    sim_.guarded([this] { start(); });
    for (std::uint32_t i = 0, count = 1 + sim_.pick(25); i < count; ++i) plan_put();
    const Instant end = sim_.now() + Millis{3'600'000};
    EXPECT_TRUE(sim_.run(end, 200'000)) << "never comes to rest";
    sim_.crash_once_in(0);
    EXPECT_TRUE(sim_.run(end + Millis{3'600'000}, 200'000)) << "never comes to rest";
    check_end();
    return sim_.steps();
  }
  int crashes() const { return sim_.crashes(); }

 private:
  static constexpr Millis kList{60'000};

  // --- the bucket

  void plan_put() {
    sim_.after(Owner::kWorld, sim_.between(0, 1'200'000), [this] { put(); });
  }

  void put() {
    const std::string key = "in/" + std::string(1, static_cast<char>('a' + sim_.pick(4)));
    ObjectEvent event;
    event.provider = "aws:s3";
    event.bucket = "b";
    event.key = key;
    event.version_id = fmt::format("v{}", ++last_);
    event.etag = fmt::format("e{}", sim_.chance(20) ? 0 : last_);
    event.size = 1;
    event.occurred_at = sim_.now();
    if (dialect_.sequencers) event.sequencer = fmt::format("{:X}", 0xA0 + last_);
    if (dialect_.whole_seconds) event.occurred_at = std::chrono::floor<std::chrono::seconds>(sim_.now());
    // Without sequencers, two versions of one key within the store's own resolution have no order to be told
    // by.
    const auto& before = bucket_[key];
    if (!dialect_.sequencers && !before.empty() && before.back().occurred_at >= event.occurred_at) return;
    bucket_[key].push_back(event);
    put_order_[dataset::identity(event)] = last_;
    announce(event);
  }

  void announce(const ObjectEvent& event) {
    const bool lost = sim_.chance(15);
    for (std::uint32_t copies = lost ? 0 : sim_.chance(20) ? 2 : 1; copies > 0; --copies) {
      const Millis delay = sim_.chance(80) ? sim_.between(0, 2000) : sim_.between(0, 300'000);
      sim_.after(Owner::kWorld, delay, [this, event] { deliver(event); });
    }
  }

  /// The acknowledgement may be what is lost.
  void deliver(const ObjectEvent& event) {
    bool acknowledged = false;
    sim_.guarded([&] {
      accept(event);
      sim_.may_crash();
      acknowledged = true;
    });
    if (!acknowledged && dialect_.asks_again)
      sim_.after(Owner::kWorld, sim_.between(1000, 60'000), [this, event] { deliver(event); });
  }

  // --- the server

  void start() {
    for (std::size_t i = 0; i < stored_.read().versions.size(); ++i) {
      if (stored_.read().versions[i].fate == Fate::kRunning) run_version(i);
    }
    wait();
    list_later();
  }

  void list_later() {
    sim_.after(Owner::kProcess, kList, [this] {
      list();
      list_later();
    });
  }

  /// The newest version of each key, as HEAD tells it: with its version, without a sequencer, in whole
  /// seconds.
  void list() {
    for (const auto& [key, versions] : bucket_) {
      ObjectEvent event = versions.back();
      event.origin = dataset::Origin::kListing;
      event.sequencer.clear();
      event.occurred_at = std::chrono::floor<std::chrono::seconds>(event.occurred_at);
      accept(event);
    }
  }

  void accept(const ObjectEvent& event) {
    bool fresh = false;
    stored_.commit([&](Stored& s) {
      const std::string id = dataset::identity(event);
      const auto known = s.keys.find(event.key);
      const auto decision = dataset::decide(
          {"b", "in/", {}}, event, known == s.keys.end() ? std::nullopt : std::optional(known->second),
          s.seen.contains(id));
      if (decision.state) s.keys[event.key] = *decision.state;
      fresh = decision.verdict == Verdict::kNew;
      if (fresh) s.seen.insert(id);
      if (fresh) s.versions.push_back({id, event, sim_.now(), Fate::kWaiting});
    });
    if (fresh) wait();
  }

  void wait() {
    std::vector<std::size_t> waiting;
    std::vector<dataset::PendingEvent> pending;
    const auto& versions = stored_.read().versions;
    for (std::size_t i = 0; i < versions.size(); ++i) {
      if (versions[i].fate == Fate::kRunning) return;  // its end wakes the next
      if (versions[i].fate != Fate::kWaiting) continue;
      waiting.push_back(i);
      pending.push_back({versions[i].event, versions[i].landed});
    }
    const auto coalesced = dataset::coalesce(pending, {quiet_, Millis{0}}, sim_.now());
    if (coalesced.due)
      sim_.after(Owner::kProcess, *coalesced.due - sim_.now() + Millis{1}, [this] { wait(); });
    if (!coalesced.chosen) return;
    for (const std::size_t i : waiting)
      EXPECT_GE(sim_.now() - versions[i].landed, quiet_) << "runs although something has just landed";
    // One after the other, as the server does: it may die in between.
    for (const auto& other : coalesced.superseded)
      stored_.commit([&](Stored& s) { s.versions[waiting[other.index]].fate = Fate::kSuperseded; });
    const std::size_t chosen = waiting[*coalesced.chosen];
    stored_.commit([&](Stored& s) { s.versions[chosen].fate = Fate::kRunning; });
    check_start(chosen);
    run_version(chosen);
  }

  void run_version(std::size_t i) {
    sim_.after(Owner::kProcess, sim_.between(1, 120'000), [this, i] {
      if (stored_.read().versions[i].fate != Fate::kRunning) return;
      stored_.commit([&](Stored& s) { s.versions[i].fate = Fate::kDone; });
      wait();
    });
  }

  // --- what must be so

  std::int64_t order_of(const StoredVersion& version) const { return put_order_.at(version.identity); }

  void check_start(std::size_t chosen) {
    const auto& versions = stored_.read().versions;
    const StoredVersion& starts = versions[chosen];
    EXPECT_EQ(std::ranges::count(versions, Fate::kRunning, &StoredVersion::fate), 1);
    for (const StoredVersion& other : versions) {
      if (&other == &starts) continue;
      const bool ran = other.fate == Fate::kDone || other.fate == Fate::kRunning;
      EXPECT_FALSE(ran && other.identity == starts.identity)
          << "one version runs twice: " << starts.event.version_id;
      EXPECT_FALSE(ran && other.event.key == starts.event.key && order_of(other) > order_of(starts))
          << starts.event.version_id << " of " << starts.event.key << " runs after the newer "
          << other.event.version_id;
    }
  }

  void check_end() {
    const auto& versions = stored_.read().versions;
    std::set<std::string> ids;
    for (const StoredVersion& version : versions) {
      EXPECT_TRUE(version.fate == Fate::kDone || version.fate == Fate::kSuperseded)
          << version.event.version_id << " never comes to an end";
      EXPECT_TRUE(ids.insert(version.identity).second) << version.event.version_id << " is there twice";
    }
    const ObjectEvent* last = nullptr;
    for (const auto& [key, of_key] : bucket_) {
      const std::string newest = dataset::identity(of_key.back());
      EXPECT_TRUE(ids.contains(newest)) << "the newest of " << key << " is lost";
      if (last == nullptr || of_key.back().occurred_at > last->occurred_at) last = &of_key.back();
    }
    if (last == nullptr) return;
    // What is newest of all has run; where the store tells whole seconds, one of that second.
    const bool ran = std::ranges::any_of(versions, [&](const StoredVersion& v) {
      return v.fate == Fate::kDone && std::chrono::floor<std::chrono::seconds>(v.event.occurred_at) ==
                                          std::chrono::floor<std::chrono::seconds>(last->occurred_at);
    });
    EXPECT_TRUE(ran) << "the newest, " << last->version_id << ", never ran";
  }

  Simulation sim_;
  Durable<Stored> stored_;
  Dialect dialect_;
  Millis quiet_{};
  std::map<std::string, std::vector<ObjectEvent>> bucket_;
  std::map<std::string, std::int64_t> put_order_;
  std::int64_t last_ = 0;
};

TEST(Simulate, NoVersionIsLostOrRunTwice) {
  run_seeds<DatasetWorld>(100);
}

}  // namespace
}  // namespace tidegate::simulate
