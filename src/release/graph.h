// A curriculum as a graph of values: what may be in it, and every reason why it may not go live.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace tidegate::release {

/// What a graph database stores as one property; lists hold one kind. JSON null is an absent property.
using GraphValue = std::variant<bool, std::int64_t, double, std::string, std::vector<std::string>,
                                std::vector<std::int64_t>, std::vector<double>>;

struct GraphProperty {
  std::string name;
  GraphValue value;
  friend bool operator==(const GraphProperty&, const GraphProperty&) = default;
};

/// `place` is where it was read: a JSON pointer ("/nodes/12") or a file and line ("nodes.csv:13").
struct GraphNode {
  std::string place;
  std::string uid;
  std::string label;
  std::vector<GraphProperty> properties;
  friend bool operator==(const GraphNode&, const GraphNode&) = default;
};

struct GraphEdge {
  std::string place;
  std::string type;
  std::string from;  ///< uid
  std::string to;    ///< uid
  std::vector<GraphProperty> properties;
  friend bool operator==(const GraphEdge&, const GraphEdge&) = default;
};

struct Graph {
  std::string curriculum;
  std::string revision;
  std::vector<GraphNode> nodes;
  std::vector<GraphEdge> edges;
  friend bool operator==(const Graph&, const Graph&) = default;
};

struct GraphProblem {
  enum class Kind : std::uint8_t {
    kShape,  ///< not the format: a missing or ill-typed field (found by the reader)
    kName,   ///< a label, type or property name that is not an identifier or is reserved
    kValue,  ///< a property or uid that cannot be stored
    kDuplicateUid,
    kDuplicateCode,
    kDuplicateEdge,
    kDangling,
    kSelfLoop,
    kCycle,
    kGradeOrder,   ///< what comes first is of a higher grade than what builds on it
    kUnreachable,  ///< a standard that no subject leads to
    kEmbedding,    ///< vectors of different lengths, or none where the others have one
    kLimit,
    kEmpty,
  };
  Kind kind = Kind::kShape;
  std::string place;    ///< JSON pointer or file and line, e.g. "/edges/12"; empty: the whole
  std::string message;  ///< complete sentence part with both ends, uids and labels named
  friend bool operator==(const GraphProblem&, const GraphProblem&) = default;
};

/// "duplicate_uid" and so on.
std::string_view to_string(GraphProblem::Kind kind);

/// "/edges/12: dangling: PREREQUISITE_OF from \"a\" to \"b\": there is no node \"b\"".
std::string to_string(const GraphProblem& problem);

/// What a graph must keep to. The names are those of the model that docs/guide/graphs.md describes.
struct GraphRules {
  std::size_t max_elements = 200'000;     ///< nodes and edges together
  std::size_t max_problems = 200;         ///< reported; then one that says how many more
  std::size_t max_cycles = 20;            ///< reported per edge type
  std::size_t max_cycle_path = 50;        ///< nodes of a cycle that are named
  std::size_t max_text = 1U << 20U;       ///< bytes of one property
  std::size_t max_properties = 200;       ///< of one element
  std::string unique_property = "code";   ///< unique per label (and "revision" property)
  std::vector<std::string> acyclic_types  ///< edge types that must not go round in circles
      {"PREREQUISITE_OF", "PREREQUISITE", "REQUIRES", "PRECEDES"};
  std::vector<std::string> first_to_next{"PREREQUISITE_OF", "PRECEDES"};  ///< from is learned before to
  std::vector<std::string> next_to_first{"REQUIRES"};                     ///< to is learned before from
  std::vector<int> grade_bands{2, 4, 6, 9, 10, 12};  ///< each named by its highest grade, rising
  std::string subject = "Subject";                   ///< label that standards must be reachable from
  std::string standard = "Standard";                 ///< label of what must be reachable
  std::vector<std::string> upward_types{"BELONGS_TO", "PART_OF", "CHILD_OF"};  ///< lead from part to whole
  std::string embedding = "embedding";  ///< property that holds a vector
  std::set<GraphProblem::Kind> skip;    ///< kinds that are not looked for; see skippable()
};

/// True for the kinds that a project may switch off: the others would break the load or its readers.
bool skippable(GraphProblem::Kind kind);
/// The kind of this name; nothing when there is none.
std::optional<GraphProblem::Kind> problem_kind(std::string_view name);

/// True for [A-Za-z_][A-Za-z0-9_]{0,63}: the only text that is ever put into a statement, since labels and
/// types cannot be parameters.
bool is_graph_identifier(std::string_view name);

/// Every problem in one pass, in the order of the file, then what concerns several elements (cycles, grades,
/// reachability, embeddings). Empty: it may be loaded. Linear in the graph, but for the cycles, which are
/// bounded by `max_cycles`.
std::vector<GraphProblem> validate(const Graph& graph, const GraphRules& rules = {});

/// Puts at most `max` problems in front and one line in the end that counts the rest.
std::vector<GraphProblem> bounded(std::vector<GraphProblem> problems, std::size_t max);

/// SHA-256 (hex) of the content: the same for the same nodes, edges and properties in any order and any
/// spelling of the JSON.
std::string canonical_sha256(const Graph& graph);

}  // namespace tidegate::release
