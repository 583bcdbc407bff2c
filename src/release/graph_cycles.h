// Cycles in a directed graph given as numbers: which exist, each named once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace tidegate::release {

struct CycleSearch {
  std::vector<std::vector<std::uint32_t>>
      cycles;                       ///< each starts at its smallest number; last leads to first
  std::size_t uncovered_edges = 0;  ///< edges on further cycles, when `max_cycles` cut the search short
};

/// Strongly connected components of nodes 0…n-1 (Tarjan, without recursion), as a component number per node.
std::vector<std::uint32_t> components(std::size_t nodes,
                                      const std::vector<std::pair<std::uint32_t, std::uint32_t>>& edges);

/// Shortest cycles until every edge that lies on any cycle is on a named one, or `max_cycles` are named. (All
/// elementary cycles would be exponentially many.) Self-loops are left out. Deterministic.
CycleSearch find_cycles(std::size_t nodes, const std::vector<std::pair<std::uint32_t, std::uint32_t>>& edges,
                        std::size_t max_cycles);

}  // namespace tidegate::release
