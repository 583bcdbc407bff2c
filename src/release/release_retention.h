// Which releases of a member may go.
#pragma once

#include <set>
#include <string>
#include <vector>

namespace tidegate::release {

struct Stored {
  std::string release;
  std::string state;  ///< "building", "ready", "failed", "rolled_back"
};

struct Retention {
  int keep = 3;                ///< good ones besides those that must stay
  std::set<std::string> must;  ///< live, the one before it, and what the deployment at hand needs
};

/// Releases to delete, oldest first. Never one in `must`, nor the `keep` newest good ("ready")
/// others, nor the newest that is not good: somebody may want to look why. (One in which a process runs is
/// spared on the host, where that is known at the very moment.)
std::vector<std::string> releases_to_delete(std::vector<Stored> stored, const Retention& retention);

}  // namespace tidegate::release
