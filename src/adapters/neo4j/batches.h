// A graph as the JSON rows of UNWIND statements, grouped by what cannot be a parameter.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "release/graph.h"

namespace tidegate::neo4j {

struct Batch {
  std::string name;  ///< label or type
  std::string rows;  ///< JSON list
  std::size_t count = 0;
};

/// Nodes grouped by label: rows of properties with "uid"; at most `size` rows each, and about 8 MiB.
std::vector<Batch> node_batches(const release::Graph& graph, std::size_t size);
/// Edges grouped by type: rows of {"a", "b", "p"}.
std::vector<Batch> edge_batches(const release::Graph& graph, std::size_t size);

}  // namespace tidegate::neo4j
