// A graph as the JSON rows of UNWIND statements, grouped by what cannot be a parameter.
#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "release/graph.h"

namespace tidegate::neo4j {

struct Batch {
  std::string name;  ///< label or type
  std::string rows;  ///< JSON list
  std::size_t count = 0;
};

/// Nodes grouped by label: rows of properties with "uid"; at most `size` rows each, and about 8 MiB.
std::vector<Batch> node_batches(const release::Graph& graph, std::size_t size);

/// What the database calls a graph's nodes.
struct NodeIds {
  std::string prefix;                 ///< of all ids
  std::vector<std::string> suffixes;  ///< what follows it, in the order of the graph's nodes
};
/// kConflict when a node has no id.
Result<NodeIds> node_ids(const release::Graph& graph,
                         const std::vector<std::pair<std::string, std::string>>& id_by_uid);

/// Edges grouped by type: rows of [from, to, {properties}], with what follows the prefix of the ends' ids.
std::vector<Batch> edge_batches(const release::Graph& graph, const NodeIds& ids, std::size_t size);

}  // namespace tidegate::neo4j
