#include "adapters/neo4j/graph_writer.h"

#include <algorithm>
#include <iterator>
#include <mutex>

#include "adapters/neo4j/lanes.h"

namespace tidegate::neo4j {
namespace {

Versions::Writer in_lane(Versions::Writer writer, std::size_t lane) {
  writer.lane = lane;
  return writer;
}

}  // namespace

GraphWriter::GraphWriter(const Endpoint& endpoint, const std::string& name, const QueryOptions& query,
                         Options options, const sys::StopFlag* stop)
    : options_(options), stop_(stop) {
  const std::size_t lanes = std::clamp<std::size_t>(options.lanes, 1, Versions::kLanes);
  for (std::size_t i = 0; i < lanes; ++i)
    lanes_.push_back(std::make_unique<Lane>(endpoint, name, query, stop));
}

Status GraphWriter::write(const release::Graph& graph, const std::string& version, const std::string& token,
                          const Tell& tell) {
  const Versions::Writer writer{version, token};
  TG_TRY(const auto ids, write_nodes(graph, writer, tell));
  return write_edges(graph, ids, writer, tell);
}

Result<NodeIds> GraphWriter::write_nodes(const release::Graph& graph, const Versions::Writer& writer,
                                         const Tell& tell) {
  const auto batches = node_batches(graph, options_.batch);
  std::vector<std::pair<std::string, std::string>> ids;
  std::mutex mutex;
  std::size_t done = 0;
  TG_CHECK(run_in_lanes(
      lanes_.size(), batches.size(),
      [&](std::size_t lane, std::size_t item) -> Status {
        TG_TRY(auto made, lanes_[lane]->versions.write_nodes(in_lane(writer, lane), batches[item]));
        const std::lock_guard lock(mutex);
        std::ranges::move(made, std::back_inserter(ids));
        return {};
      },
      [&](std::size_t item) {
        done += batches[item].count;
        return tell("nodes", done, graph.nodes.size());
      }));
  return node_ids(graph, ids);
}

Status GraphWriter::write_edges(const release::Graph& graph, const NodeIds& ids,
                                const Versions::Writer& writer, const Tell& tell) {
  std::size_t done = 0;
  for (const auto& round : edge_rounds(graph, ids, options_.batch, lanes_.size())) {
    TG_CHECK(run_in_lanes(
        lanes_.size(), round.size(),
        [&](std::size_t lane, std::size_t item) -> Status {
          for (const auto& batch : round[item]) {
            if (stop_ != nullptr && stop_->stop_requested())
              return fail(Errc::kCanceled, "graph load stopped");
            TG_CHECK(lanes_[lane]->versions.write_edges(in_lane(writer, lane), batch, ids.prefix));
          }
          return {};
        },
        [&](std::size_t item) {
          for (const auto& batch : round[item]) done += batch.count;
          return tell("edges", done, graph.edges.size());
        }));
  }
  return {};
}

}  // namespace tidegate::neo4j
