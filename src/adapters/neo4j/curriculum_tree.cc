// A nested tree: what contains what is said by nesting.
#include <boost/json.hpp>
#include <fmt/format.h>

#include "adapters/neo4j/json_reader.h"
#include "adapters/neo4j/json_text.h"
#include "release/graph_places.h"

namespace tidegate::neo4j {
namespace {

namespace json = boost::json;
using Kind = release::GraphProblem::Kind;

class Tree {
 public:
  explicit Tree(JsonReader& reader) : reader_(reader) {}

  void children(const json::object& object, const std::string& place, const std::string& parent) {
    std::int64_t order = 0;
    reader_.each(object, "children", place, false,
                 [&](const json::object& child, const std::string& at) { node(child, at, parent, order++); });
  }

  // Recursion is as deep as the JSON may be.
  void node(const json::object& object, const std::string& place, const std::string& parent,
            std::int64_t order) {
    const auto uid = reader_.text(object, "uid", place);
    auto label = reader_.optional_text(object, "label", place);
    auto properties = reader_.properties(object, place, {"uid", "label", "children", "prerequisites"});
    if (!uid) return children(object, place, parent);
    auto& graph = reader_.out.graph;
    if (!label) label = parent.empty() ? "Subject" : object.contains("children") ? "Domain" : "Standard";
    graph.nodes.push_back({place, *uid, *std::move(label), std::move(properties)});
    if (!parent.empty()) graph.edges.push_back({place, "HAS_STANDARD", parent, *uid, {{"order", order}}});
    prerequisites(object, place, *uid);
    children(object, place, *uid);
  }

 private:
  void prerequisites(const json::object& object, const std::string& place, const std::string& uid) {
    const auto* value = object.if_contains("prerequisites");
    if (value == nullptr || value->is_null()) return;
    const std::string list = release::member_place(place, "prerequisites");
    if (!value->is_array()) {
      return reader_.problem(Kind::kShape, list, fmt::format("is {}, not a list", kind_name(*value)));
    }
    std::size_t index = 0;
    for (const auto& item : value->get_array()) {
      const std::string at = fmt::format("{}/{}", list, index++);
      if (item.is_string()) {
        reader_.out.graph.edges.push_back(
            {at, "PREREQUISITE_OF", std::string(view(item.get_string())), uid, {}});
      } else if (item.is_object()) {
        const auto& edge = item.get_object();
        auto from = reader_.text(edge, "uid", at);
        auto properties = reader_.properties(edge, at, {"uid"});
        if (from)
          reader_.out.graph.edges.push_back(
              {at, "PREREQUISITE_OF", *std::move(from), uid, std::move(properties)});
      } else {
        reader_.problem(Kind::kShape, at, fmt::format("is {}, not a uid or an object", kind_name(item)));
      }
    }
  }

  JsonReader& reader_;
};

}  // namespace

void read_tree(JsonReader& reader, const json::object& root) {
  reader.out.graph.curriculum = reader.title(root, "curriculum");
  reader.out.graph.revision = reader.title(root, "revision");
  Tree tree(reader);
  if (root.contains("uid"))
    tree.node(root, "", "", 0);
  else
    tree.children(root, "", "");
}

}  // namespace tidegate::neo4j
