// Lock files of Git that a killed process left in a repository.
#pragma once

#include <filesystem>

#include "base/result.h"
#include "base/time.h"

namespace tidegate::app {

/// Git locks a ref for milliseconds; one that has been there for so long belongs to nobody any more.
inline constexpr Millis kLockIsStale{2000};

/// Removes the stale `*.lock` files of a bare repository: of its refs, of packed-refs, HEAD and config. What
/// comes back is how long to wait before asking again because of younger ones; zero: there are none.
/// Blocking.
Result<Millis> remove_stale_locks(const std::filesystem::path& repository, Instant now);

}  // namespace tidegate::app
