// What users keep beside a graph and what must outlive its versions: learners' progress, embeddings' indexes.
//
//   (:GraphConcept {name, uid})     one for each uid that any version of the graph `name` has had; never
//   removed
//
// A version's nodes go when the version goes, and with them every relationship to them. A user's own data
// points at concepts instead, and finds the live node by uid:
//   MATCH (a:Active {name: 'curriculum'}) WITH a.version AS version
//   MATCH (:Learner {id: $id})-[m:MASTERED]->(c:GraphConcept {name: 'curriculum'})
//   MATCH (s:GraphNode {version: version, uid: c.uid}) …
// There is no relationship between a concept and a node: it would have to be made for each version anew, and
// a reader who walks it would meet all versions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "adapters/neo4j/query_api.h"
#include "base/result.h"
#include "release/graph_checks.h"

namespace tidegate::neo4j {

/// Concepts with users' data that a version has no node for.
struct Vanished {
  std::int64_t concepts = 0;
  std::int64_t relationships = 0;  ///< of users, at those concepts
  std::vector<std::string> uids;   ///< the first of them
};

/// One graph name in one database.
class Overlay {
 public:
  Overlay(QueryApi& api, std::string name) : api_(api), name_(std::move(name)) {}

  /// The constraint that a concept is there once.
  Status prepare_schema();

  /// Makes the concepts of this version that are not there yet. Safe to repeat, and beside others.
  Status keep_concepts(const std::string& version);

  Result<Vanished> vanished(const std::string& version);

  /// Relationships between this version's nodes and anything else: users' data that would go with it.
  Result<std::int64_t> attached(const std::string& version);

  /// All vector indexes of the database on nodes.
  Result<std::vector<release::VectorIndex>> vector_indexes();

 private:
  QueryApi& api_;
  std::string name_;
};

}  // namespace tidegate::neo4j
