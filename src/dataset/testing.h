// What this room's tests share.
#pragma once

#include "base/time.h"

namespace tidegate::dataset {

/// A moment so long after the tests' common beginning.
inline Instant at(Millis since) {
  return Instant(Millis(1'700'000'000'000) + since);
}

}  // namespace tidegate::dataset
