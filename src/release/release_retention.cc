#include "release/release_retention.h"

#include <algorithm>

namespace tidegate::release {

std::vector<std::string> releases_to_delete(std::vector<Stored> stored, const Retention& retention) {
  std::ranges::sort(stored, std::greater{}, &Stored::release);  // newest first: ids begin with the time
  std::vector<std::string> doomed;
  int good = 0;
  int bad = 0;
  for (const auto& [release, state] : stored) {
    if (retention.must.contains(release)) continue;
    const bool spared = state == "ready" ? good++ < retention.keep : bad++ < 1;
    if (!spared) doomed.push_back(release);
  }
  std::ranges::reverse(doomed);
  return doomed;
}

}  // namespace tidegate::release
