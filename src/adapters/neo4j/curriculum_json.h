// Curriculum JSON ("nodes and edges") into a graph of values. The bytes come from whoever may upload data.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "release/graph.h"

namespace tidegate::neo4j {

struct CurriculumLimits {
  std::size_t max_bytes = 100U << 20U;   ///< of the text
  std::size_t max_memory = 768U << 20U;  ///< while reading
  std::size_t max_depth = 16;            ///< of arrays and objects
  std::size_t max_problems = 200;        ///< that are kept
};

/// What could be read, and what was wrong with the rest (kind kShape or kValue, with JSON pointers). Elements
/// without a usable uid, label, type, from or to are left out of the graph.
struct Curriculum {
  release::Graph graph;
  std::vector<release::GraphProblem> problems;
};

/// Reads {"curriculum", "revision", "nodes": [{"uid", "label", …}], "edges": [{"type", "from", "to", …}]}:
/// all other members of nodes and edges are properties (texts, numbers, booleans, lists of one kind; null:
/// absent); other members of the whole are ignored. Of a member that occurs twice the last counts. kInvalid
/// when the text is not JSON (the message has line and column), too large or too deep.
Result<Curriculum> parse_curriculum(std::string_view text, const CurriculumLimits& limits = {});

}  // namespace tidegate::neo4j
