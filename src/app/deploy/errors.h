// Which failures of a step may be different next time.
#pragma once

#include "base/result.h"

namespace tidegate::app {

/// The request is to be sent again; anything else is an outcome.
inline bool may_pass(Errc code) {
  return code == Errc::kUnavailable || code == Errc::kConflict || code == Errc::kCanceled ||
         code == Errc::kInternal;
}

}  // namespace tidegate::app
