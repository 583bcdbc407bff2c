#include "release/graph_checks.h"

#include <algorithm>
#include <map>
#include <optional>

#include <fmt/format.h>

#include "release/grades.h"
#include "release/graph_places.h"

namespace tidegate::release {
namespace {

using Kind = GraphProblem::Kind;

bool has(const std::vector<std::string>& names, std::string_view name) {
  return std::ranges::find(names, name) != names.end();
}

const GraphValue* property_of(const GraphNode& node, std::string_view name) {
  const auto found = std::ranges::find(node.properties, name, &GraphProperty::name);
  return found == node.properties.end() ? nullptr : &found->value;
}

std::string who(const GraphNode& node, const Grades& grades) {
  return fmt::format("{} ({}, {})", in_quotes(node.uid), to_string(grades), node.place);
}

std::optional<GraphProblem> code_against_band(const GraphNode& node, const std::vector<int>& bands) {
  const auto* code = property_of(node, "code");
  const auto* text = code == nullptr ? nullptr : std::get_if<std::string>(code);
  if (text == nullptr || property_of(node, "grade_band") == nullptr) return std::nullopt;
  const auto by_code = grades_of_code(*text, bands);
  const auto by_band = grades_of(node, bands);
  if (!by_code || !by_band || (by_code->first <= by_band->last && by_band->first <= by_code->last))
    return std::nullopt;
  return GraphProblem{Kind::kGradeOrder, member_place(node.place, "grade_band"),
                      fmt::format("grade_band is {}, but the code {} is of {}", to_string(*by_band),
                                  in_quotes(*text), to_string(*by_code))};
}

// Where a walk from the subjects may go next.
std::vector<std::vector<std::uint32_t>> downward(const ResolvedGraph& graph, const GraphRules& rules) {
  std::vector<std::vector<std::uint32_t>> next(graph.nodes.size());
  for (const auto& arc : graph.arcs) {
    if (has(rules.acyclic_types, arc.edge->type)) continue;
    if (has(rules.upward_types, arc.edge->type))
      next[arc.to].push_back(arc.from);
    else
      next[arc.from].push_back(arc.to);
  }
  return next;
}

// The length of a vector; nothing: it is no list of numbers.
std::optional<std::size_t> dimensions(const GraphValue& value) {
  if (const auto* list = std::get_if<std::vector<double>>(&value)) return list->size();
  if (const auto* list = std::get_if<std::vector<std::int64_t>>(&value)) return list->size();
  // An empty list has no kind of its own.
  if (const auto* list = std::get_if<std::vector<std::string>>(&value); list != nullptr && list->empty())
    return 0;
  return std::nullopt;
}

bool all_zero(const GraphValue& value) {
  const auto zero = [](const auto& list) { return std::ranges::all_of(list, [](auto n) { return n == 0; }); };
  if (const auto* list = std::get_if<std::vector<double>>(&value)) return zero(*list);
  if (const auto* list = std::get_if<std::vector<std::int64_t>>(&value)) return zero(*list);
  return true;
}

// The first node of a label that has an embedding: what the others are held to.
struct Pattern {
  const GraphNode* node = nullptr;
  std::size_t dimensions = 0;
};

std::string embedding_fault(const GraphNode& node, const GraphValue* value, const Pattern& pattern) {
  if (value == nullptr) return fmt::format("is missing, and {} has one", pattern.node->place);
  const auto length = dimensions(*value);
  if (!length) return "is no list of numbers";
  if (*length == 0) return "is empty";
  if (*length != pattern.dimensions) {
    return fmt::format("has {} dimensions, that of {} has {}", *length, pattern.node->place,
                       pattern.dimensions);
  }
  if (all_zero(*value)) return fmt::format("of {} is all zero: it is near to nothing", in_quotes(node.uid));
  return {};
}

}  // namespace

std::vector<GraphProblem> grade_problems(const ResolvedGraph& graph, const GraphRules& rules) {
  std::vector<GraphProblem> problems;
  std::vector<std::optional<Grades>> grades;
  grades.reserve(graph.nodes.size());
  for (const auto* node : graph.nodes) {
    grades.push_back(grades_of(*node, rules.grade_bands));
    if (auto problem = code_against_band(*node, rules.grade_bands)) problems.push_back(*std::move(problem));
  }
  for (const auto& arc : graph.arcs) {
    const bool forward = has(rules.first_to_next, arc.edge->type);
    if (!forward && !has(rules.next_to_first, arc.edge->type)) continue;
    const std::uint32_t first = forward ? arc.from : arc.to;
    const std::uint32_t next = forward ? arc.to : arc.from;
    if (!grades[first] || !grades[next] || grades[first]->first <= grades[next]->last) continue;
    problems.push_back(
        {Kind::kGradeOrder, arc.edge->place,
         fmt::format("{}: {} comes before {}", arc.edge->type, who(*graph.nodes[first], *grades[first]),
                     who(*graph.nodes[next], *grades[next]))});
  }
  return problems;
}

std::vector<GraphProblem> reach_problems(const ResolvedGraph& graph, const GraphRules& rules) {
  std::vector<std::uint32_t> queue;
  std::vector<bool> reached(graph.nodes.size());
  for (std::uint32_t i = 0; i < graph.nodes.size(); ++i) {
    if (graph.nodes[i]->label != rules.subject) continue;
    reached[i] = true;
    queue.push_back(i);
  }
  if (queue.empty()) return {};
  const auto next = downward(graph, rules);
  for (std::size_t head = 0; head < queue.size(); ++head) {
    for (const std::uint32_t to : next[queue[head]]) {
      if (reached[to]) continue;
      reached[to] = true;
      queue.push_back(to);
    }
  }
  std::vector<GraphProblem> problems;
  for (std::uint32_t i = 0; i < graph.nodes.size(); ++i) {
    const auto& node = *graph.nodes[i];
    if (reached[i] || node.label != rules.standard) continue;
    problems.push_back({Kind::kUnreachable, node.place,
                        fmt::format("no {} leads to {} {}", rules.subject, node.label, in_quotes(node.uid))});
  }
  return problems;
}

std::vector<GraphProblem> embedding_problems(const ResolvedGraph& graph, const GraphRules& rules) {
  std::map<std::string_view, Pattern> patterns;
  for (const auto* node : graph.nodes) {
    const auto* value = property_of(*node, rules.embedding);
    const auto length = value == nullptr ? std::nullopt : dimensions(*value);
    if (length && *length > 0) patterns.try_emplace(node->label, Pattern{node, *length});
  }
  std::vector<GraphProblem> problems;
  for (const auto* node : graph.nodes) {
    const auto pattern = patterns.find(node->label);
    const auto* value = property_of(*node, rules.embedding);
    if (pattern == patterns.end() && value == nullptr) continue;
    auto fault = pattern != patterns.end() ? embedding_fault(*node, value, pattern->second)
                                           : std::string("is no list of numbers, or empty");
    if (fault.empty()) continue;
    problems.push_back({Kind::kEmbedding, member_place(node->place, rules.embedding),
                        fmt::format("{} {}", rules.embedding, fault)});
  }
  return problems;
}

std::vector<GraphProblem> vector_index_problems(const Graph& graph, const std::vector<VectorIndex>& indexes) {
  std::vector<GraphProblem> problems;
  for (const auto& index : indexes) {
    for (const auto& node : graph.nodes) {
      if (node.label != index.label) continue;
      const auto* value = property_of(node, index.property);
      const auto length = value == nullptr ? std::nullopt : dimensions(*value);
      if (!length || *length == index.dimensions) continue;
      problems.push_back({Kind::kEmbedding, member_place(node.place, index.property),
                          fmt::format("{} has {} dimensions, the vector index {} takes {}", index.property,
                                      *length, in_quotes(index.name), index.dimensions)});
    }
  }
  return problems;
}

}  // namespace tidegate::release
