// Work in several lanes at once, told to the caller one after another.
#pragma once

#include <cstddef>
#include <functional>

#include "base/result.h"

namespace tidegate::neo4j {

/// Calls `work(lane, item)` for items 0…items-1, up to `lanes` at once, each lane on a thread of its own, and
/// `done(item)` on the calling thread for each that succeeded, in the order in which they end. The first
/// failure of either is the outcome: then no item is begun any more, and those under way are waited for. With
/// one lane or one item all is done on the calling thread.
Status run_in_lanes(std::size_t lanes, std::size_t items,
                    const std::function<Status(std::size_t lane, std::size_t item)>& work,
                    const std::function<Status(std::size_t item)>& done);

}  // namespace tidegate::neo4j
