// Curriculum JSON from whoever may upload data: read, judged, hashed and turned into rows, whatever the
// bytes.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include <boost/json.hpp>

#include "adapters/neo4j/batches.h"
#include "adapters/neo4j/curriculum.h"
#include "adapters/neo4j/golden.h"
#include "release/graph.h"

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

void check_rows(const std::vector<tidegate::neo4j::Batch>& batches, std::size_t expected) {
  std::size_t rows = 0;
  for (const auto& batch : batches) {
    require(tidegate::release::is_graph_identifier(batch.name));
    boost::system::error_code error;
    const auto list = boost::json::parse(batch.rows, error);
    require(!error && list.is_array() && list.get_array().size() == batch.count);
    rows += batch.count;
  }
  require(rows == expected);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  (void)tidegate::neo4j::parse_golden(text);
  auto curriculum = tidegate::neo4j::parse_curriculum(text);
  if (!curriculum) return 0;
  auto& graph = curriculum->graph;
  const auto problems = tidegate::release::validate(graph);
  require(problems.size() <= 201);
  const auto hash = tidegate::release::canonical_sha256(graph);
  std::ranges::reverse(graph.nodes);
  std::ranges::reverse(graph.edges);
  require(tidegate::release::canonical_sha256(graph) == hash);
  if (!problems.empty()) return 0;
  // What is accepted can be put into statements and parameters.
  check_rows(tidegate::neo4j::node_batches(graph, 3), graph.nodes.size());
  tidegate::neo4j::NodeIds ids;
  ids.suffixes.resize(graph.nodes.size());
  check_rows(tidegate::neo4j::edge_batches(graph, ids, 3), graph.edges.size());
  return 0;
}
