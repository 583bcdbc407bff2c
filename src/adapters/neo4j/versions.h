// Graph versions inside one Neo4j database (Community has only one), and the pointer that says which is live.
//
//   (:Active {name, version})-[:POINTS_TO]->(:GraphVersion {name, id, sha256, commit, data_uri, load, nodes,
//   edges,
//                                                           created_at, state, previous})
//   (:GraphNode:<Label> {version, uid, …})-[:<TYPE> {…}]->(:GraphNode …)       version = GraphVersion.id
//
// A version's nodes do not change once it is ready. A reader takes the pointer's version once and stays with
// it:
//   MATCH (a:Active {name: 'curriculum'}) WITH a.version AS version MATCH (s:Standard {version: version}) …
// so it sees one version, whole. Active.version and POINTS_TO move in one transaction, but Neo4j (read
// committed) shows a commit's records to readers one by one: who walks POINTS_TO can find no relationship for
// some microseconds (measured on 5.26: 39 of 2.4 million reads while swapping without pause). Overwriting the
// one property has no such moment (none in 2.8 million). So POINTS_TO is for people; programs read
// Active.version.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "adapters/neo4j/batches.h"
#include "adapters/neo4j/query_api.h"
#include "base/result.h"
#include "release/graph.h"

namespace tidegate::neo4j {

/// States: loading → ready → live ⇄ retired → dropping. Which one is live is said by the pointer alone.
struct VersionRow {
  std::string id;
  std::string sha256;
  std::string commit;
  std::string data_uri;
  std::string load;
  std::string state;
  std::string previous;          ///< live before it, when it first became live
  std::string rolled_back_from;  ///< set while it is live because of a rollback
  std::int64_t nodes = 0;
  std::int64_t edges = 0;
  std::int64_t created_ms = 0;  ///< since 1970, by the database's clock
  std::int64_t idle_ms = 0;     ///< since the last batch was written, by the database's clock
  bool live = false;
};

/// Elements per label and per type.
struct GraphCounts {
  std::map<std::string, std::int64_t> nodes;
  std::map<std::string, std::int64_t> edges;
  std::int64_t crossing = 0;  ///< edges whose other end is in another version
  friend bool operator==(const GraphCounts&, const GraphCounts&) = default;
};

/// What a right load of this graph has.
GraphCounts counts_of(const release::Graph& graph);

/// One graph name in one database. All write steps are safe to repeat.
class Versions {
 public:
  Versions(QueryApi& api, std::string name) : api_(api), name_(std::move(name)) {}

  /// Constraints and indexes, for these labels too; waits until they are online.
  Status prepare_schema(const std::vector<std::string>& labels);

  /// Newest first.
  Result<std::vector<VersionRow>> list();

  /// Makes the version (state loading) or takes over the half-loaded one; only the holder of `token` writes
  /// from now on. kConflict when it is complete already.
  Status begin(const VersionRow& row, const std::string& token);

  /// Which load writes: each batch locks the version's node and writes only when the token is its own.
  struct Writer {
    std::string version;
    std::string token;
  };

  /// All nodes of one label; the rows are property objects with "uid". Gives the database's id of each, by
  /// uid. kConflict when another has taken over.
  Result<std::vector<std::pair<std::string, std::string>>> write_nodes(const Writer& writer,
                                                                       const Batch& batch);
  /// The rows are [from, to, {properties}] with the database's ids, from which `prefix` was taken off. Found
  /// by id, an end costs half of what it costs by uid. The ids are those of write_nodes under the same token.
  Status write_edges(const Writer& writer, const Batch& batch, const std::string& prefix);

  Result<GraphCounts> counts(const std::string& version);

  /// loading → ready; kConflict when another has taken over.
  Status mark_ready(const std::string& version, const std::string& token);

  enum class Move : std::uint8_t { kForward, kBack };
  /// Moves the pointer from `expected` (empty: from nothing) to `version` in one transaction. kConflict when
  /// it points elsewhere by now or `version` is not complete. Already there: success.
  Status swap(const std::string& version, const std::string& expected, Move move);

  /// Removes the data in batches, then the version; refused (kConflict) when it is live or live's previous.
  Status drop(const std::string& version);
  /// Removes the data of a version only.
  Status clear(const std::string& version);

 private:
  Parameters named(std::string_view version) const;
  Result<QueryResult> write(const Writer& writer, const Batch& batch, std::string_view create,
                            Parameters parameters);
  /// Takes the pointer's lock for the rest of the transaction; gives what it points to (empty: nothing).
  Result<std::string> lock_pointer(QueryApi::Transaction& transaction, bool create);

  QueryApi& api_;
  std::string name_;
};

}  // namespace tidegate::neo4j
