// Artifacts whose time is over. State thread only.
#pragma once

#include <cstddef>

#include "app/ports/store.h"
#include "base/result.h"

namespace tidegate::app {

/// Removes up to `limit` expired artifacts, file first, so that a crash in between leaves a record that the
/// next sweep finds. Those of the newest pipeline of a ref that succeeded stay, whatever their date. How many
/// went.
Result<std::size_t> sweep_artifacts(Store& store, Instant now, std::int64_t limit);

}  // namespace tidegate::app
