#include "release/model_aliases.h"

#include <algorithm>

namespace tidegate::release {
namespace {

std::int64_t newest_of(const std::vector<std::string>& runs, const std::vector<ModelVersion>& versions) {
  std::int64_t out = 0;
  for (const ModelVersion& version : versions) {
    if (std::ranges::find(runs, version.run_id) != runs.end()) out = std::max(out, version.version);
  }
  return out;
}

}  // namespace

std::optional<AliasTargets> alias_targets(const std::vector<std::vector<std::string>>& runs,
                                          const std::vector<ModelVersion>& versions) {
  AliasTargets out;
  for (std::size_t i = 0; i < runs.size(); ++i) {
    const std::int64_t version = newest_of(runs[i], versions);
    if (i == 0 && version == 0) return std::nullopt;
    if (i == 0) {
      out.champion = version;
    } else if (version != 0) {
      out.previous = version;
      break;
    }
  }
  return runs.empty() ? std::nullopt : std::optional(out);
}

// A release's own predecessor is that of its first delivery: a rollback to it says what it left behind, which
// came after it.
std::vector<std::string> line_of_releases(const std::vector<Delivered>& deliveries) {
  std::vector<std::string> out;
  if (deliveries.empty()) return out;
  std::string release = deliveries.front().release;
  while (!release.empty() && std::ranges::find(out, release) == out.end()) {
    out.push_back(release);
    const auto first = std::find_if(deliveries.rbegin(), deliveries.rend(),
                                    [&](const Delivered& one) { return one.release == release; });
    release = first == deliveries.rend() ? std::string() : first->previous;
  }
  return out;
}

}  // namespace tidegate::release
