// The system's clock.
#pragma once

#include "base/time.h"

namespace tidegate::main {

class SystemClock final : public Clock {
 public:
  Instant now() const override {
    return std::chrono::time_point_cast<Millis>(std::chrono::system_clock::now());
  }
};

}  // namespace tidegate::main
