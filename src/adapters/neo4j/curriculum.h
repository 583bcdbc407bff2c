// A curriculum in one of the formats that people have, into a graph of values. The bytes come from whoever
// may upload data. docs/guide/graphs.md describes the formats.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "release/graph.h"

namespace tidegate::neo4j {

struct CurriculumLimits {
  std::size_t max_bytes = 100U << 20U;   ///< of the text, or of all members of an archive, unpacked
  std::size_t max_memory = 768U << 20U;  ///< while reading
  std::size_t max_depth = 64;            ///< of arrays and objects; a tree's level takes two
  std::size_t max_problems = 200;        ///< that are kept
};

/// What could be read, and what was wrong with the rest (kind kShape or kValue, with places). Elements
/// without a usable uid, label, type, from or to are left out of the graph.
struct Curriculum {
  release::Graph graph;
  std::vector<release::GraphProblem> problems;
  std::vector<std::string> notes;  ///< what was left out and may be: one line each
};

/// Reads what the bytes are: JSON (plain nodes and edges, a CASE package, a nested tree), or a zip archive
/// with nodes.csv and edges.csv. kInvalid when they are none of these (the message says where they stop being
/// what they began as), too large or too deep.
Result<Curriculum> parse_curriculum(std::string_view bytes, const CurriculumLimits& limits = {});

/// JSON alone. Of a member that occurs twice the last counts.
Result<Curriculum> parse_curriculum_json(std::string_view text, const CurriculumLimits& limits = {});

/// Two tables: RFC 4180, UTF-8 with or without BOM, lines ended by LF or CRLF. Places are "nodes.csv:13".
/// nodes: uid, label, and properties; edges: from, to, type, and properties. A column "name:int", ":float",
/// ":boolean" or ":string", with "[]" a list separated by ';', says its type, others are text; ":ID",
/// ":LABEL",
/// ":START_ID", ":END_ID" and ":TYPE" are known too (source: Neo4j's operations manual, "Import", CSV header
/// format). An empty cell is an absent property.
Result<Curriculum> parse_curriculum_csv(std::string_view nodes, std::string_view edges,
                                        const CurriculumLimits& limits = {});

}  // namespace tidegate::neo4j
