#include "adapters/neo4j/overlay.h"

#include <boost/json.hpp>

namespace tidegate::neo4j {
namespace {

constexpr std::int64_t kConceptsAtOnce = 5000;
constexpr std::int64_t kNamedUids = 20;

std::int64_t integer_of(const QueryResult& result, std::size_t column) {
  if (result.rows.empty() || column >= result.rows.front().size()) return 0;
  return result.rows.front()[column].integer().value_or(0);
}

std::vector<std::string> texts(const Cell& cell) {
  std::vector<std::string> list;
  boost::system::error_code error;
  const auto value = boost::json::parse(cell.json, error);
  if (error || !value.is_array()) return list;
  for (const auto& item : value.get_array()) {
    if (item.is_string()) list.emplace_back(item.get_string().data(), item.get_string().size());
  }
  return list;
}

}  // namespace

Status Overlay::prepare_schema() {
  TG_CHECK(
      api_.run("CREATE CONSTRAINT tidegate_concept_uid IF NOT EXISTS FOR (c:GraphConcept) REQUIRE (c.name, "
               "c.uid) IS UNIQUE"));
  return {};
}

Status Overlay::keep_concepts(const std::string& version) {
  std::string after;
  for (;;) {
    Parameters parameters;
    parameters.text("name", name_).text("version", version).text("after", after);
    parameters.integer("batch", kConceptsAtOnce);
    TG_TRY(const auto result, api_.run(R"(
        MATCH (n:GraphNode {version: $version}) WHERE n.uid > $after
        WITH n.uid AS uid ORDER BY uid LIMIT $batch
        MERGE (:GraphConcept {name: $name, uid: uid})
        RETURN max(uid), count(*))",
                                       parameters));
    if (integer_of(result, 1) < kConceptsAtOnce) return {};
    after = result.rows.front()[0].text().value_or("");
  }
}

Result<Vanished> Overlay::vanished(const std::string& version) {
  Parameters parameters;
  parameters.text("name", name_).text("version", version).integer("named", kNamedUids);
  TG_TRY(const auto result, api_.run(R"(
      MATCH (c:GraphConcept {name: $name})
      WHERE c.uid IS NOT NULL AND EXISTS { (c)--() }
        AND NOT EXISTS { MATCH (:GraphNode {version: $version, uid: c.uid}) }
      WITH c.uid AS uid, COUNT { (c)--() } AS relationships ORDER BY uid
      RETURN count(*), sum(relationships), collect(uid)[..$named])",
                                     parameters, Access::kRead));
  Vanished vanished{integer_of(result, 0), integer_of(result, 1), {}};
  if (!result.rows.empty() && result.rows.front().size() > 2) vanished.uids = texts(result.rows.front()[2]);
  return vanished;
}

Result<std::int64_t> Overlay::attached(const std::string& version) {
  Parameters parameters;
  parameters.text("version", version);
  TG_TRY(const auto result, api_.run(R"(
      MATCH (n:GraphNode {version: $version})-[r]-(other)
      WHERE NOT other:GraphNode OR other.version <> $version
      RETURN count(r))",
                                     parameters, Access::kRead));
  return integer_of(result, 0);
}

Result<std::vector<release::VectorIndex>> Overlay::vector_indexes() {
  TG_TRY(const auto result, api_.run(R"(
      SHOW VECTOR INDEXES YIELD name, entityType, labelsOrTypes, properties, options WHERE entityType = 'NODE'
      RETURN name, labelsOrTypes[0], properties[0], options.indexConfig['vector.dimensions'])",
                                     {}, Access::kRead));
  std::vector<release::VectorIndex> indexes;
  for (const auto& row : result.rows) {
    // An index that takes vectors of any length says null.
    if (row.size() < 4 || !row[3].integer()) continue;
    indexes.push_back({row[0].text().value_or(""), row[1].text().value_or(""), row[2].text().value_or(""),
                       static_cast<std::size_t>(*row[3].integer())});
  }
  return indexes;
}

}  // namespace tidegate::neo4j
