// Writes a graph's nodes, then its edges, in batches and in several lanes at once.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "adapters/neo4j/query_api.h"
#include "adapters/neo4j/versions.h"
#include "base/result.h"
#include "release/graph.h"

namespace tidegate::neo4j {

class GraphWriter {
 public:
  struct Options {
    std::size_t lanes = 2;
    std::size_t batch = 2000;
  };
  /// After each step, on the calling thread: so many of all nodes, or edges, are written. An Error stops.
  using Tell = std::function<Status(std::string_view what, std::size_t done, std::size_t all)>;

  GraphWriter(const Endpoint& endpoint, const std::string& name, const QueryOptions& query, Options options,
              const sys::StopFlag* stop);

  /// The version has been begun under this token and is empty. kConflict when another has taken over.
  Status write(const release::Graph& graph, const std::string& version, const std::string& token,
               const Tell& tell);

 private:
  // A connection, and what goes through it: no two threads may use one.
  struct Lane {
    QueryApi api;
    Versions versions;

    Lane(const Endpoint& endpoint, const std::string& name, const QueryOptions& query,
         const sys::StopFlag* stop)
        : api(endpoint, query, stop), versions(api, name) {}
  };

  Result<NodeIds> write_nodes(const release::Graph& graph, const Versions::Writer& writer, const Tell& tell);
  Status write_edges(const release::Graph& graph, const NodeIds& ids, const Versions::Writer& writer,
                     const Tell& tell);

  Options options_;
  const sys::StopFlag* stop_;
  std::vector<std::unique_ptr<Lane>> lanes_;
};

}  // namespace tidegate::neo4j
