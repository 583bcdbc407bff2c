// A request to load a graph, read and judged before anything is asked of a server.
#pragma once

#include <string>
#include <vector>

#include "adapters/neo4j/curriculum.h"
#include "adapters/neo4j/golden.h"
#include "adapters/neo4j/versions.h"
#include "app/graph/graph_loader.h"
#include "base/result.h"
#include "release/graph.h"

namespace tidegate::neo4j {

struct Prepared {
  release::Graph graph;
  std::vector<GoldenQuery> golden;
  VersionRow row;
  std::vector<std::string> problems;
  std::vector<std::string> notes;
};

/// What is wrong with the content is in `problems`; an Error: the file cannot be read or is another.
Result<Prepared> prepare(const app::GraphRequest& request, const CurriculumLimits& limits);

/// The version that `row` is of; not live.
app::GraphOutcome outcome_of(const VersionRow& row);

/// The same with problems and notes.
app::GraphOutcome judged(Prepared prepared);

}  // namespace tidegate::neo4j
