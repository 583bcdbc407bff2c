// A deterministic world: virtual time, an agenda, chance by a seed, and a process that may die at any write.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <functional>
#include <map>
#include <random>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include "base/text.h"
#include "base/time.h"

namespace tidegate::simulate {

/// Thrown where the process dies; what it had not written is gone.
struct Crash {};

/// Who an entry of the agenda belongs to: the world's goes on, the process's dies with it.
enum class Owner : std::uint8_t { kWorld, kProcess };

class Simulation {
 public:
  explicit Simulation(std::uint32_t seed) : random_(seed) {}

  std::uint32_t pick(std::uint32_t below) { return static_cast<std::uint32_t>(random_() % below); }
  bool chance(std::uint32_t percent) { return pick(100) < percent; }
  Millis between(std::int64_t from, std::int64_t to) {
    return Millis{from + pick(static_cast<std::uint32_t>(to - from + 1))};
  }

  Instant now() const { return now_; }
  std::int64_t steps() const { return steps_; }

  void after(Owner owner, Millis delay, std::function<void()> work) {
    agenda_.emplace(std::pair(now_ + delay, ++order_), Entry{owner, std::move(work)});
  }

  /// From now on each write may be the last, once in `one_in`; 0: none.
  void crash_once_in(std::uint32_t one_in) { one_in_ = one_in; }
  /// Before and after everything that is written, and before every answer.
  void may_crash() {
    ++steps_;
    if (one_in_ != 0 && pick(one_in_) == 0) throw Crash{};
  }

  /// What brings the process up again, from what is durable.
  void on_restart(std::function<void()> restart) { restart_ = std::move(restart); }

  /// Runs until nothing is left or `until` has come; false when it takes more than `most` steps.
  bool run(Instant until, std::int64_t most) {
    for (std::int64_t i = 0; !agenda_.empty() && agenda_.begin()->first.first <= until; ++i) {
      if (i == most) return false;
      auto next = agenda_.extract(agenda_.begin());
      now_ = next.key().first;
      ++steps_;
      guarded(next.mapped().work);
    }
    now_ = std::max(now_, until);
    return true;
  }

  /// Does it; when the process dies in it, brings it up again.
  void guarded(const std::function<void()>& work) {
    try {
      work();
    } catch (const Crash&) {
      ++crashes_;
      std::erase_if(agenda_, [](const auto& entry) { return entry.second.owner == Owner::kProcess; });
      guarded(restart_);
    }
  }
  int crashes() const { return crashes_; }

 private:
  struct Entry {
    Owner owner;
    std::function<void()> work;
  };
  std::mt19937 random_;
  Instant now_{Millis{1'800'000'000'000}};
  std::uint64_t order_ = 0;
  std::map<std::pair<Instant, std::uint64_t>, Entry> agenda_;
  std::function<void()> restart_;
  std::uint32_t one_in_ = 0;
  std::int64_t steps_ = 0;
  int crashes_ = 0;
};

/// State that survives: changes become visible together, or not at all.
template <class State>
class Durable {
 public:
  explicit Durable(Simulation& simulation) : simulation_(simulation) {}
  const State& read() const { return state_; }
  /// `change` gets a copy to alter.
  template <class Change>
  void commit(Change change) {
    State next = state_;
    change(next);
    simulation_.may_crash();
    state_ = std::move(next);
    simulation_.may_crash();
  }

 private:
  Simulation& simulation_;
  State state_;
};

/// Runs World(seed) for many seeds; the first that fails is named. World::run() gives its steps.
template <class World>
void run_seeds(std::uint32_t usually) {
  const auto from_environment = [](const char* name) {
    const char* text = std::getenv(name);
    return text == nullptr ? std::nullopt : parse_integer(text);
  };
  const auto only = from_environment("TIDEGATE_SIMULATE_SEED");
  const auto count =
      static_cast<std::uint32_t>(from_environment("TIDEGATE_SIMULATE_SEEDS").value_or(usually));
  std::int64_t steps = 0;
  std::int64_t crashes = 0;
  const auto first = static_cast<std::uint32_t>(only.value_or(1));
  for (std::uint32_t seed = first; seed < first + (only ? 1 : count); ++seed) {
    SCOPED_TRACE("TIDEGATE_SIMULATE_SEED=" + std::to_string(seed));
    World world(seed);
    steps += world.run();
    crashes += world.crashes();
    if (testing::Test::HasFailure()) return;
  }
  testing::Test::RecordProperty("steps", std::to_string(steps));
  testing::Test::RecordProperty("crashes", std::to_string(crashes));
  EXPECT_TRUE(only || crashes > 0) << "no crash was simulated";
}

}  // namespace tidegate::simulate
