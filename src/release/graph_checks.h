// What a curriculum must keep to beyond its single elements: grades, reachability, embeddings.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "release/graph.h"

namespace tidegate::release {

/// A graph's nodes of distinct uid, and the edges between them as positions in `nodes`. Points into the
/// graph.
struct ResolvedGraph {
  struct Arc {
    std::uint32_t from = 0;
    std::uint32_t to = 0;
    const GraphEdge* edge = nullptr;
  };
  std::vector<const GraphNode*> nodes;
  std::vector<Arc> arcs;
};

/// Prerequisites whose lowest grade is above the highest grade of what builds on them, and codes whose band
/// and "grade_band" have no grade in common. What names no grade is not compared.
std::vector<GraphProblem> grade_problems(const ResolvedGraph& graph, const GraphRules& rules);

/// Nodes of label `standard` that no node of label `subject` leads to, along all edges but those of order;
/// edges of `upward_types` are walked backwards. A graph without a subject has no such problem.
std::vector<GraphProblem> reach_problems(const ResolvedGraph& graph, const GraphRules& rules);

/// Embeddings that are no numbers, all zero, or of another length than the first of their label; and nodes
/// without one where others of their label have one.
std::vector<GraphProblem> embedding_problems(const ResolvedGraph& graph, const GraphRules& rules);

/// A vector index of the database.
struct VectorIndex {
  std::string name;
  std::string label;
  std::string property;
  std::size_t dimensions = 0;
};

/// Vectors that these indexes would leave out without a word, since their length is another.
std::vector<GraphProblem> vector_index_problems(const Graph& graph, const std::vector<VectorIndex>& indexes);

}  // namespace tidegate::release
