#include "adapters/neo4j/batches.h"

#include <map>

#include <boost/json.hpp>

#include "adapters/neo4j/query_api.h"

namespace tidegate::neo4j {
namespace {

// Above this a batch is sent whatever its number of rows: long texts must not make a statement of a gigabyte.
constexpr std::size_t kMaxBytes = 8U << 20U;

struct ValueJson {
  std::string operator()(bool value) const { return value ? "true" : "false"; }
  std::string operator()(std::int64_t value) const { return std::to_string(value); }
  // "1E0", never "1": a decimal stays a decimal in the database.
  std::string operator()(double value) const { return boost::json::serialize(boost::json::value(value)); }
  std::string operator()(const std::string& value) const { return json_text(value); }
  template <class T>
  std::string operator()(const std::vector<T>& list) const {
    std::string out = "[";
    for (const auto& item : list) {
      if (out.size() > 1) out += ',';
      out += (*this)(item);
    }
    return out + "]";
  }
};

Parameters properties(const std::vector<release::GraphProperty>& list) {
  Parameters object;
  for (const auto& property : list) object.raw(property.name, std::visit(ValueJson{}, property.value));
  return object;
}

std::string row_of(const release::GraphNode& node) {
  auto object = properties(node.properties);
  object.text("uid", node.uid);
  return object.json();
}

std::string row_of(const release::GraphEdge& edge) {
  Parameters object;
  object.text("a", edge.from).text("b", edge.to).raw("p", properties(edge.properties).json());
  return object.json();
}

template <class Element, class NameOf>
std::vector<Batch> batches(const std::vector<Element>& elements, std::size_t size, const NameOf& name_of) {
  std::vector<Batch> done;
  std::map<std::string, Batch> open;
  const auto close = [&](Batch& batch) {
    batch.rows += ']';
    done.push_back(std::move(batch));
    batch = {};
  };
  for (const auto& element : elements) {
    auto& batch = open[name_of(element)];
    batch.name = name_of(element);
    batch.rows += batch.count == 0 ? '[' : ',';
    batch.rows += row_of(element);
    if (++batch.count >= size || batch.rows.size() >= kMaxBytes) close(batch);
  }
  for (auto& [name, batch] : open) {
    if (batch.count > 0) close(batch);
  }
  return done;
}

}  // namespace

std::vector<Batch> node_batches(const release::Graph& graph, std::size_t size) {
  return batches(graph.nodes, size, [](const release::GraphNode& node) { return node.label; });
}

std::vector<Batch> edge_batches(const release::Graph& graph, std::size_t size) {
  return batches(graph.edges, size, [](const release::GraphEdge& edge) { return edge.type; });
}

}  // namespace tidegate::neo4j
