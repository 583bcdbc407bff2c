// Golden queries: questions whose answers are known, asked of a new graph version before it goes live.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "adapters/neo4j/query_api.h"
#include "base/result.h"

namespace tidegate::neo4j {

struct GoldenQuery {
  std::string name;
  std::string statement;          ///< asked with $version set to the version under test, in read mode
  Parameters parameters;          ///< the query's own
  bool contains = false;          ///< the rows must be among the answer's; else they are all of it, in order
  std::vector<std::string> rows;  ///< canonical JSON of each expected row
};

/// Reads [{"name", "statement", "parameters": {…}, "expect": [[…], …] or "expect_contains": [[…], …]}, …].
/// Empty text: none. kInvalid says which query and what.
Result<std::vector<GoldenQuery>> parse_golden(std::string_view text);

/// Asks all; one line for each query that failed or was answered otherwise. An Error: no answers at all.
Result<std::vector<std::string>> ask_golden(QueryApi& api, const std::vector<GoldenQuery>& queries,
                                            std::string_view version);

}  // namespace tidegate::neo4j
