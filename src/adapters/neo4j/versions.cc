#include "adapters/neo4j/versions.h"

#include <fmt/format.h>

namespace tidegate::neo4j {
namespace {

constexpr int kDropBatch = 5000;

// The only place where a name goes into a statement; names that are not identifiers never get this far.
Status require_identifier(const std::string& name) {
  if (release::is_graph_identifier(name)) return {};
  return fail(Errc::kInvalid, fmt::format("{} is not an identifier", json_text(name)));
}

std::string text_cell(const std::vector<Cell>& row, std::size_t column) {
  return column < row.size() ? row[column].text().value_or("") : "";
}

std::int64_t integer_cell(const std::vector<Cell>& row, std::size_t column) {
  return column < row.size() ? row[column].integer().value_or(0) : 0;
}

VersionRow version_row(const std::vector<Cell>& row) {
  VersionRow version;
  version.id = text_cell(row, 0);
  version.sha256 = text_cell(row, 1);
  version.commit = text_cell(row, 2);
  version.data_uri = text_cell(row, 3);
  version.load = text_cell(row, 4);
  version.state = text_cell(row, 5);
  version.previous = text_cell(row, 6);
  version.rolled_back_from = text_cell(row, 7);
  version.nodes = integer_cell(row, 8);
  version.edges = integer_cell(row, 9);
  version.created_ms = integer_cell(row, 10);
  version.idle_ms = integer_cell(row, 11);
  version.live = row.size() > 12 && row[12].json == "true";
  return version;
}

}  // namespace

GraphCounts counts_of(const release::Graph& graph) {
  GraphCounts counts;
  for (const auto& node : graph.nodes) ++counts.nodes[node.label];
  for (const auto& edge : graph.edges) ++counts.edges[edge.type];
  return counts;
}

Parameters Versions::named(std::string_view version) const {
  Parameters parameters;
  parameters.text("name", name_).text("version", version);
  return parameters;
}

Status Versions::prepare_schema(const std::vector<std::string>& labels) {
  std::vector<std::string> statements = {
      "CREATE CONSTRAINT tidegate_active_name IF NOT EXISTS FOR (a:Active) REQUIRE a.name IS UNIQUE",
      "CREATE CONSTRAINT tidegate_version_id IF NOT EXISTS FOR (v:GraphVersion) REQUIRE (v.name, v.id) IS "
      "UNIQUE",
      "CREATE CONSTRAINT tidegate_node_uid IF NOT EXISTS FOR (n:GraphNode) REQUIRE (n.version, n.uid) IS "
      "UNIQUE",
      "CREATE INDEX tidegate_node_version IF NOT EXISTS FOR (n:GraphNode) ON (n.version)",
  };
  for (const auto& label : labels) {
    TG_CHECK(require_identifier(label));
    statements.push_back(fmt::format(
        "CREATE INDEX tidegate_code_{0} IF NOT EXISTS FOR (n:{0}) ON (n.version, n.code)", label));
  }
  for (const auto& statement : statements) TG_CHECK(api_.run(statement));
  TG_CHECK(api_.run("CALL db.awaitIndexes(300)"));
  return {};
}

Result<std::vector<VersionRow>> Versions::list() {
  TG_TRY(const auto result, api_.run(R"(
      MATCH (v:GraphVersion {name: $name})
      RETURN v.id, v.sha256, v.commit, v.data_uri, v.load, v.state, v.previous, v.rolled_back_from,
             v.nodes, v.edges, v.created_at.epochMillis,
             datetime.realtime().epochMillis - v.touched_at.epochMillis,
             EXISTS { (:Active {name: $name})-[:POINTS_TO]->(v) }
      ORDER BY v.created_at DESC, v.id)",
                                     named(""), Access::kRead));
  std::vector<VersionRow> rows;
  for (const auto& row : result.rows) rows.push_back(version_row(row));
  return rows;
}

Status Versions::begin(const VersionRow& row, const std::string& token) {
  auto parameters = named(row.id);
  parameters.text("sha256", row.sha256).text("commit", row.commit).text("data_uri", row.data_uri);
  parameters.text("load", row.load).text("token", token);
  parameters.integer("nodes", row.nodes).integer("edges", row.edges);
  TG_TRY(const auto result, api_.run(R"(
      MERGE (v:GraphVersion {name: $name, id: $version})
      ON CREATE SET v.state = 'loading', v.created_at = datetime.realtime()
      WITH v WHERE v.state = 'loading'
      SET v.token = $token, v.touched_at = datetime.realtime(), v.sha256 = $sha256, v.commit = $commit,
          v.data_uri = $data_uri, v.load = $load, v.nodes = $nodes, v.edges = $edges
      RETURN v.id)",
                                     parameters));
  if (result.rows.empty())
    return fail(Errc::kConflict, "graph version " + row.id + " is not being loaded any more");
  return {};
}

Result<QueryResult> Versions::write(const Writer& writer, const Batch& batch, std::string_view create,
                                    Parameters parameters) {
  TG_CHECK(require_identifier(batch.name));
  parameters.text("name", name_).text("version", writer.version).text("token", writer.token);
  parameters.raw("rows", batch.rows);
  return api_.run(fmt::format(R"(
      MATCH (v:GraphVersion {{name: $name, id: $version}})
      SET v.touched_at = datetime.realtime()
      WITH v WHERE v.state = 'loading' AND v.token = $token
      UNWIND $rows AS row
      {})",
                              create),
                  parameters);
}

Result<std::vector<std::pair<std::string, std::string>>> Versions::write_nodes(const Writer& writer,
                                                                               const Batch& batch) {
  const auto create = fmt::format(
      "CREATE (n:GraphNode:{0}) SET n = row SET n.version = $version RETURN n.uid, elementId(n)", batch.name);
  TG_TRY(const auto result, write(writer, batch, create, {}));
  if (result.counters.nodes_created != static_cast<std::int64_t>(batch.count)) {
    return fail(Errc::kConflict, fmt::format("{} of {} {} nodes were made: another load has taken over",
                                             result.counters.nodes_created, batch.count, batch.name));
  }
  std::vector<std::pair<std::string, std::string>> ids;
  for (const auto& row : result.rows) ids.emplace_back(text_cell(row, 0), text_cell(row, 1));
  return ids;
}

Status Versions::write_edges(const Writer& writer, const Batch& batch, const std::string& prefix) {
  const auto create = fmt::format(R"(MATCH (a) WHERE elementId(a) = $prefix + row[0]
      MATCH (b) WHERE elementId(b) = $prefix + row[1]
      CREATE (a)-[e:{0}]->(b) SET e = row[2])",
                                  batch.name);
  Parameters parameters;
  parameters.text("prefix", prefix);
  TG_TRY(const auto result, write(writer, batch, create, std::move(parameters)));
  if (result.counters.relationships_created == static_cast<std::int64_t>(batch.count)) return {};
  return fail(Errc::kConflict,
              fmt::format("{} of {} {} edges were made: an end is missing, or another load has taken over",
                          result.counters.relationships_created, batch.count, batch.name));
}

Result<GraphCounts> Versions::counts(const std::string& version) {
  GraphCounts counts;
  TG_TRY(const auto nodes, api_.run(R"(
      MATCH (n:GraphNode {version: $version}) UNWIND labels(n) AS label
      WITH label WHERE label <> 'GraphNode' RETURN label, count(*))",
                                    named(version), Access::kRead));
  for (const auto& row : nodes.rows) counts.nodes[text_cell(row, 0)] = integer_cell(row, 1);
  TG_TRY(const auto edges, api_.run(R"(
      MATCH (a:GraphNode {version: $version})-[e]->(b)
      RETURN type(e), count(*), sum(CASE WHEN b.version = $version THEN 0 ELSE 1 END))",
                                    named(version), Access::kRead));
  for (const auto& row : edges.rows) {
    counts.edges[text_cell(row, 0)] = integer_cell(row, 1);
    counts.crossing += integer_cell(row, 2);
  }
  return counts;
}

Status Versions::mark_ready(const std::string& version, const std::string& token) {
  auto parameters = named(version);
  parameters.text("token", token);
  TG_TRY(const auto result, api_.run(R"(
      MATCH (v:GraphVersion {name: $name, id: $version})
      SET v.touched_at = datetime.realtime()
      WITH v WHERE v.state = 'loading' AND v.token = $token
      SET v.state = 'ready' REMOVE v.token RETURN v.id)",
                                     parameters));
  if (result.rows.empty())
    return fail(Errc::kConflict, "another load has taken over graph version " + version);
  return {};
}

Result<std::string> Versions::lock_pointer(QueryApi::Transaction& transaction, bool create) {
  // Setting a property takes the node's lock, even to what it is. No property comes or goes: see versions.h.
  TG_TRY(const auto now,
         transaction.run(std::string(create ? "MERGE" : "MATCH") +
                             " (a:Active {name: $name}) SET a.version = coalesce(a.version, '') "
                             "WITH a OPTIONAL MATCH (a)-[:POINTS_TO]->(p:GraphVersion) RETURN p.id",
                         named("")));
  return now.rows.empty() ? "" : text_cell(now.rows.front(), 0);
}

Status Versions::swap(const std::string& version, const std::string& expected, Move move) {
  return api_.in_transaction([&](QueryApi::Transaction& transaction) -> Status {
    TG_TRY(const auto current, lock_pointer(transaction, true));
    if (current == version) return {};
    if (current != expected) {
      return fail(Errc::kConflict, fmt::format("graph {} points to {} by now, not to {}", json_text(name_),
                                               current.empty() ? "nothing" : current,
                                               expected.empty() ? "nothing" : expected));
    }
    auto parameters = named(version);
    parameters.raw("previous", expected.empty() ? "null" : json_text(expected));
    parameters.raw("back", move == Move::kBack ? "true" : "false");
    TG_TRY(const auto moved, transaction.run(R"(
        MATCH (a:Active {name: $name})
        MATCH (v:GraphVersion {name: $name, id: $version}) WHERE v.state IN ['ready', 'retired']
        OPTIONAL MATCH (a)-[r:POINTS_TO]->(p:GraphVersion)
        DELETE r SET p.state = 'retired'
        CREATE (a)-[:POINTS_TO]->(v)
        SET v.previous = CASE WHEN $back OR v.state = 'retired' THEN v.previous ELSE $previous END,
            v.rolled_back_from = CASE WHEN $back THEN $previous END,
            v.state = 'live', v.live_at = datetime.realtime(), a.version = $version)",
                                             parameters));
    if (moved.counters.relationships_created == 1) return {};
    return fail(Errc::kConflict, "graph version " + version + " is not complete");
  });
}

Status Versions::clear(const std::string& version) {
  auto parameters = named(version);
  parameters.integer("batch", kDropBatch);
  for (;;) {
    TG_TRY(
        const auto result,
        api_.run("MATCH (n:GraphNode {version: $version}) WITH n LIMIT $batch DETACH DELETE n", parameters));
    if (result.counters.nodes_deleted == 0) return {};
  }
}

Status Versions::drop(const std::string& version) {
  TG_CHECK(api_.in_transaction([&](QueryApi::Transaction& transaction) -> Status {
    TG_TRY(const auto live, lock_pointer(transaction, false));
    auto parameters = named(version);
    parameters.text("live", live);
    TG_TRY(const auto marked, transaction.run(R"(
        MATCH (v:GraphVersion {name: $name, id: $version})
        OPTIONAL MATCH (live:GraphVersion {name: $name, id: $live})
        WITH v, live WHERE v.id <> $live AND coalesce(live.previous, '') <> v.id
        SET v.state = 'dropping', v.touched_at = datetime.realtime() REMOVE v.token RETURN v.id)",
                                              parameters));
    if (!marked.rows.empty()) return {};
    return fail(Errc::kConflict, "graph version " + version + " is live, the one before it, or gone");
  }));
  TG_CHECK(clear(version));
  TG_CHECK(api_.run("MATCH (v:GraphVersion {name: $name, id: $version}) DELETE v", named(version)));
  return {};
}

}  // namespace tidegate::neo4j
