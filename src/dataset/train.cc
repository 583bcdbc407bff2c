#include "dataset/train.h"

#include <algorithm>

namespace tidegate::dataset {
namespace {

const Car* find(const std::vector<Car>& train, VersionId id) {
  const auto found = std::ranges::find(train, id, &Car::id);
  return found == train.end() ? nullptr : &*found;
}

bool holds_up(const Car& before, const Car& after) {
  if (before.id >= after.id || !is_under_way(before.state)) return false;
  return before.source == after.source || (before.ordered && after.ordered) ||
         before.attempt >= kOvertakenMost;
}

// Its commit stands, as long as it is not decided otherwise.
bool has_candidate(const Car& car) {
  return !car.candidate.empty() &&
         (car.state == VersionState::kTesting || car.state == VersionState::kPromoting);
}

}  // namespace

const Car* car_before(const std::vector<Car>& train, VersionId id) {
  const Car* self = find(train, id);
  if (self == nullptr) return nullptr;
  const Car* nearest = nullptr;
  for (const Car& other : train) {
    if (holds_up(other, *self) && (nearest == nullptr || nearest->id < other.id)) nearest = &other;
  }
  return nearest;
}

std::optional<std::string> base_of(const std::vector<Car>& train, VersionId id, const std::string& head) {
  const Car* before = car_before(train, id);
  if (before == nullptr) return head;
  return has_candidate(*before) ? std::optional(before->candidate) : std::nullopt;
}

Turn turn_by_order(const std::vector<Car>& train, VersionId id) {
  const Car* self = find(train, id);
  const Car* before = car_before(train, id);
  if (self == nullptr || before == nullptr) return Turn::kNow;
  return has_candidate(*before) && before->candidate == self->base ? Turn::kWait : Turn::kStale;
}

Turn turn_of(const std::vector<Car>& train, VersionId id, const std::string& head) {
  const Car* self = find(train, id);
  if (self == nullptr) return Turn::kStale;
  const Turn by_order = turn_by_order(train, id);
  if (by_order != Turn::kNow) return by_order;
  return self->base == head ? Turn::kNow : Turn::kStale;
}

int under_way(const std::vector<Car>& train, const std::string& source) {
  return static_cast<int>(std::ranges::count_if(
      train, [&](const Car& car) { return car.source == source && is_under_way(car.state); }));
}

}  // namespace tidegate::dataset
