// Train: candidates of one branch that are under way at once, in the order in which their data landed; what
// each is made on and whose turn it is. Pure.
//
// A candidate that must come after another is made on top of that one's commit, so that what is tested is
// what the branch will be; when the one before goes live, it can follow without another test. When the one
// before fails, those behind it are made again.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/id.h"
#include "dataset/version_state.h"

namespace tidegate::dataset {

/// A version as the train sees it.
struct Car {
  VersionId id;  ///< grows in the order of landing
  std::string source;
  VersionState state = VersionState::kTesting;
  bool ordered = false;   ///< its source keeps the order with the other ordered ones
  int attempt = 0;        ///< candidates made for it
  std::string base;       ///< what its candidate was made on; empty: none yet
  std::string candidate;  ///< empty: none yet
};

/// A candidate that was overtaken so often keeps every later one behind it, so that a quick source cannot
/// starve a slow one.
inline constexpr int kOvertakenMost = 3;

/// The nearest version that `id` must not overtake: one of the same source, an ordered one if it is ordered
/// too, or one that has been overtaken too often. Versions that have failed, and only their diagnosis is
/// still running, hold nobody up. `train`: all versions of one branch, in any order.
const Car* car_before(const std::vector<Car>& train, VersionId id);

/// What a candidate of it is made on: the commit of the one before, or the branch's head. Nothing: the one
/// before has no candidate at present; ask again when that has changed.
std::optional<std::string> base_of(const std::vector<Car>& train, VersionId id, const std::string& head);

enum class Turn : std::uint8_t {
  kNow,    ///< it may deliver and be promoted
  kWait,   ///< the one before is not decided yet
  kStale,  ///< it can never be promoted: its candidate has to be made again
};
/// To be asked while the branch does not contain the candidate; a promotion that was cut short may have moved
/// it already.
Turn turn_of(const std::vector<Car>& train, VersionId id, const std::string& head);

/// The same without knowing the head: kNow says only that nobody is before it.
Turn turn_by_order(const std::vector<Car>& train, VersionId id);

/// How many of the source are under way; a source's next version starts only when there are fewer than it
/// allows.
int under_way(const std::vector<Car>& train, const std::string& source);

}  // namespace tidegate::dataset
