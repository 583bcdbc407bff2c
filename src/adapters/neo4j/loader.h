// The graph loader on Neo4j Community: a version beside the live one, checked, then one transaction that
// moves the pointer. See versions.h for the model.
#pragma once

#include <functional>
#include <memory>

#include "adapters/neo4j/curriculum.h"
#include "adapters/neo4j/query_api.h"
#include "app/graph/graph_loader.h"

namespace tidegate::neo4j {

struct LoaderOptions {
  std::size_t batch = 2000;     ///< rows of one statement
  Millis stale_after{600'000};  ///< a half-loaded version of another load, idle for so long, is dead
  CurriculumLimits limits;
  QueryOptions query;                      ///< `wait` empty: really waits
  std::function<std::string()> new_token;  ///< unique text for each call; empty: random
};

/// Thread-safe for different graph names. What load() promises when it is interrupted anywhere: the live
/// graph is untouched until the swap, and the same request again continues (a half-loaded version is loaded
/// anew, a ready one is only swapped in, a live one is reported done). A load that was live and has been
/// replaced since is not made live again; that is roll_back's business. roll_back with an empty `to` on a
/// graph that is already rolled back reports it done: to go further back, name the version.
std::unique_ptr<app::GraphLoader> make_loader(LoaderOptions options = {});

}  // namespace tidegate::neo4j
