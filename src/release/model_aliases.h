// Which versions of a registered model the aliases of a target's releases name. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace tidegate::release {

struct ModelVersion {
  std::int64_t version = 0;
  std::string run_id;  ///< the training run that made it
};

/// 0: none.
struct AliasTargets {
  std::int64_t champion = 0;
  std::int64_t previous = 0;
  friend bool operator==(const AliasTargets&, const AliasTargets&) = default;
};

/// `runs`: the training runs of each release, the live one first, then the one that was live before it, and
/// so on. The champion is the newest version that a run of the live release made; nothing as long as there is
/// none: the aliases stay. The previous one is that of the nearest release before it that made one.
std::optional<AliasTargets> alias_targets(const std::vector<std::vector<std::string>>& runs,
                                          const std::vector<ModelVersion>& versions);

/// The release ids that were live one after the other, the live one first. `deliveries`: newest first, those
/// that are live or were until something replaced them; each says what was live before it.
struct Delivered {
  std::string release;
  std::string previous;
};
std::vector<std::string> line_of_releases(const std::vector<Delivered>& deliveries);

}  // namespace tidegate::release
