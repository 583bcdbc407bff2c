#include "app/server/family.h"

#include <algorithm>
#include <map>
#include <tuple>

#include <fmt/core.h>

#include "pipeline/bridge.h"

namespace tidegate::app {

bool is_child(const Pipeline& pipeline) {
  return pipeline.upstream && pipeline.source == "parent_pipeline";
}

Result<std::vector<Pipeline>> self_and_upstreams(Store& store, PipelineId id) {
  std::vector<Pipeline> out;
  while (id && out.size() <= pipeline::kMaxFamily) {
    TG_TRY(auto found, store.pipeline(id));
    if (!found) return fail(Errc::kNotFound, fmt::format("no such pipeline: {}", id.value()));
    id = found->upstream;
    out.push_back(*std::move(found));
  }
  return out;
}

Result<Pipeline> head_of(Store& store, PipelineId id) {
  TG_TRY(const auto line, self_and_upstreams(store, id));
  for (const Pipeline& one : line) {
    if (!is_child(one)) return one;
  }
  return line.back();
}

Result<bool> is_untrusted(Store& store, PipelineId pipeline) {
  TG_TRY(const auto line, self_and_upstreams(store, pipeline));
  return std::ranges::any_of(line, [](const Pipeline& one) { return static_cast<bool>(one.version); });
}

Result<std::string> data_source_of(Store& store, const std::vector<Pipeline>& line) {
  for (const Pipeline& one : line) {
    if (!one.version) continue;
    TG_TRY(const auto version, store.version(one.version));
    return version ? version->source : std::string();
  }
  return std::string();
}

Result<std::size_t> family_size(Store& store, PipelineId top, std::size_t at_most) {
  std::vector<PipelineId> seen{top};
  for (std::size_t i = 0; i < seen.size() && seen.size() < at_most; ++i) {
    TG_TRY(const auto below, store.downstream_of(seen[i]));
    for (const Pipeline& one : below) seen.push_back(one.id);
  }
  return std::min(seen.size(), at_most);
}

bool goes_in_circles(const std::vector<Pipeline>& line) {
  std::map<std::tuple<std::int64_t, std::string, std::string>, int> times;
  for (const Pipeline& one : line) {
    if (is_child(one)) continue;
    if (++times[{one.project.value(), one.ref, one.source}] > 2) return true;
  }
  return false;
}

}  // namespace tidegate::app
