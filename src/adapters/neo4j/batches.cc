#include "adapters/neo4j/batches.h"

#include <algorithm>
#include <map>
#include <unordered_map>

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

std::string row_of(const release::GraphEdge& edge, const std::string& from, const std::string& to) {
  return "[" + json_text(from) + "," + json_text(to) + "," + properties(edge.properties).json() + "]";
}

// Batches by name; a full one is closed.
class Sorter {
 public:
  explicit Sorter(std::size_t size) : size_(size) {}

  void put(const std::string& name, const std::string& row) {
    auto& batch = open_[name];
    batch.name = name;
    batch.rows += batch.count == 0 ? '[' : ',';
    batch.rows += row;
    if (++batch.count >= size_ || batch.rows.size() >= kMaxBytes) close(batch);
  }

  std::vector<Batch> finish() {
    for (auto& [name, batch] : open_) {
      if (batch.count > 0) close(batch);
    }
    return std::move(done_);
  }

 private:
  void close(Batch& batch) {
    batch.rows += ']';
    done_.push_back(std::move(batch));
    batch = {};
  }

  std::size_t size_;
  std::map<std::string, Batch> open_;
  std::vector<Batch> done_;
};

}  // namespace

std::vector<Batch> node_batches(const release::Graph& graph, std::size_t size) {
  Sorter sorter(size);
  for (const auto& node : graph.nodes) sorter.put(node.label, row_of(node));
  return sorter.finish();
}

Result<NodeIds> node_ids(const release::Graph& graph,
                         const std::vector<std::pair<std::string, std::string>>& id_by_uid) {
  std::unordered_map<std::string_view, std::string_view> known;
  std::string_view prefix =
      id_by_uid.empty() ? std::string_view() : std::string_view(id_by_uid.front().second);
  for (const auto& [uid, id] : id_by_uid) {
    known.emplace(uid, id);
    const auto differ = std::ranges::mismatch(prefix, id);
    prefix = prefix.substr(0, static_cast<std::size_t>(differ.in1 - prefix.begin()));
  }
  NodeIds ids{std::string(prefix), {}};
  for (const auto& node : graph.nodes) {
    const auto found = known.find(node.uid);
    if (found == known.end())
      return fail(Errc::kConflict, "the database gave no id for node " + json_text(node.uid));
    ids.suffixes.emplace_back(found->second.substr(prefix.size()));
  }
  return ids;
}

std::vector<Batch> edge_batches(const release::Graph& graph, const NodeIds& ids, std::size_t size) {
  std::unordered_map<std::string_view, std::size_t> number;
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) number.emplace(graph.nodes[i].uid, i);
  Sorter sorter(size);
  for (const auto& edge : graph.edges) {
    sorter.put(edge.type, row_of(edge, ids.suffixes[number.at(edge.from)], ids.suffixes[number.at(edge.to)]));
  }
  return sorter.finish();
}

}  // namespace tidegate::neo4j
