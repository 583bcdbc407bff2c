#include "release/graph.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <tuple>
#include <unordered_map>

#include <fmt/format.h>

#include "base/text.h"
#include "release/graph_checks.h"
#include "release/graph_cycles.h"
#include "release/graph_places.h"
#include "release/hangul.h"

namespace tidegate::release {
namespace {

using Kind = GraphProblem::Kind;

bool has_control(std::string_view text) {
  return std::ranges::any_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

class Validator {
 public:
  Validator(const Graph& graph, const GraphRules& rules) : graph_(graph), rules_(rules) {}

  std::vector<GraphProblem> run() {
    if (graph_.nodes.empty()) add(Kind::kEmpty, "/nodes", "there is no node; nothing would be live");
    const std::size_t elements = graph_.nodes.size() + graph_.edges.size();
    if (elements > rules_.max_elements) {
      add(Kind::kLimit, "",
          fmt::format("{} nodes and edges; at most {} are taken", elements, rules_.max_elements));
      return std::move(problems_);
    }
    check_nodes();
    check_edges();
    check_cycles();
    for (auto* check : {&grade_problems, &reach_problems, &embedding_problems}) {
      std::ranges::move(check(resolved_, rules_), std::back_inserter(problems_));
    }
    std::erase_if(problems_, [&](const GraphProblem& p) { return rules_.skip.contains(p.kind); });
    return std::move(problems_);
  }

 private:
  void add(Kind kind, std::string place, std::string message) {
    problems_.push_back({kind, std::move(place), std::move(message)});
  }

  void check_nodes() {
    number_.reserve(graph_.nodes.size());
    for (const auto& node : graph_.nodes) {
      const std::string& place = node.place;
      check_name("label", node.label, member_place(place, "label"),
                 {"GraphNode", "GraphVersion", "GraphConcept", "Active"});
      check_uid(node, place);
      check_properties(node.properties, place, {"uid", "version"});
      check_code(node, place);
    }
  }

  void check_uid(const GraphNode& node, const std::string& place) {
    const std::string at = member_place(place, "uid");
    if (node.uid.empty()) return add(Kind::kValue, at, "the uid is empty");
    if (node.uid.size() > 512 || has_control(node.uid) || !is_utf8(node.uid)) {
      add(Kind::kValue, at,
          fmt::format("uid {} is longer than 512 bytes, or has control characters or broken UTF-8",
                      in_quotes(node.uid)));
    }
    const auto number = static_cast<std::uint32_t>(number_.size());
    const auto [seen, is_new] = number_.try_emplace(node.uid, number);
    if (!is_new) {
      add(Kind::kDuplicateUid, at,
          fmt::format("uid {} is taken by {}", in_quotes(node.uid), resolved_.nodes[seen->second]->place));
      return;
    }
    resolved_.nodes.push_back(&node);
    const auto [like, is_unlike] = spellings_.try_emplace(compose_hangul(node.uid), &node);
    if (is_unlike) return;
    add(Kind::kDuplicateUid, at,
        fmt::format("uid {} looks like that of {} and is written with other Unicode", in_quotes(node.uid),
                    like->second->place));
  }

  void check_name(std::string_view what, const std::string& name, const std::string& place,
                  std::initializer_list<std::string_view> reserved) {
    if (!is_graph_identifier(name)) {
      add(Kind::kName, place,
          fmt::format("{} {} is not an identifier (letters A-Z a-z, digits, _; at most 64)", what,
                      in_quotes(name)));
    } else if (std::ranges::find(reserved, name) != reserved.end()) {
      add(Kind::kName, place, fmt::format("{} {} is reserved", what, in_quotes(name)));
    }
  }

  void check_properties(const std::vector<GraphProperty>& properties, const std::string& place,
                        std::initializer_list<std::string_view> reserved) {
    if (properties.size() > rules_.max_properties) {
      add(Kind::kLimit, place,
          fmt::format("{} properties; at most {}", properties.size(), rules_.max_properties));
    }
    for (const auto& property : properties) {
      const auto at = [&] { return member_place(place, property.name); };
      if (property.name.empty() || property.name.size() > 100 || has_control(property.name) ||
          !is_utf8(property.name)) {
        add(Kind::kName, at(), "the property's name is empty, longer than 100 bytes or not plain text");
      } else if (std::ranges::find(reserved, property.name) != reserved.end()) {
        add(Kind::kName, at(), fmt::format("the property {} is reserved", in_quotes(property.name)));
      }
      if (auto fault = value_fault(property.value); !fault.empty()) {
        add(Kind::kValue, at(), std::move(fault));
      }
    }
  }

  std::string value_fault(const GraphValue& value) const {
    std::size_t bytes = 0;
    bool finite = true;
    bool text = true;
    const auto add_text = [&](const std::string& s) {
      bytes += s.size();
      text = text && is_utf8(s);
    };
    if (const auto* number = std::get_if<double>(&value)) finite = std::isfinite(*number);
    if (const auto* s = std::get_if<std::string>(&value)) add_text(*s);
    if (const auto* list = std::get_if<std::vector<std::string>>(&value))
      std::ranges::for_each(*list, add_text);
    if (const auto* list = std::get_if<std::vector<std::int64_t>>(&value)) bytes = list->size() * 8;
    if (const auto* list = std::get_if<std::vector<double>>(&value)) {
      bytes = list->size() * 8;
      finite = std::ranges::all_of(*list, [](double d) { return std::isfinite(d); });
    }
    if (!finite) return "the number is not finite";
    if (!text) return "the text is not UTF-8";
    if (bytes > rules_.max_text) return fmt::format("{} bytes; at most {}", bytes, rules_.max_text);
    return {};
  }

  static const std::string* text_property(const GraphNode& node, std::string_view name) {
    const auto found = std::ranges::find(node.properties, name, &GraphProperty::name);
    return found == node.properties.end() ? nullptr : std::get_if<std::string>(&found->value);
  }

  void check_code(const GraphNode& node, const std::string& place) {
    const std::string* code = text_property(node, rules_.unique_property);
    if (code == nullptr) return;
    const std::string* revision = text_property(node, "revision");
    // Length first: label, revision and code cannot run into each other.
    std::string key =
        fmt::format("{}\x1f{}\x1f{}\x1f{}", node.label, revision != nullptr ? revision->size() : 0,
                    revision != nullptr ? *revision : "", compose_hangul(*code));
    const auto [seen, is_new] = codes_.try_emplace(std::move(key), &node);
    if (is_new) return;
    add(Kind::kDuplicateCode, member_place(place, rules_.unique_property),
        fmt::format("{} {} of {} {} is also that of {} ({})", rules_.unique_property, in_quotes(*code),
                    node.label, in_quotes(node.uid), in_quotes(seen->second->uid), seen->second->place));
  }

  void check_edges() {
    std::map<std::tuple<std::string_view, std::uint32_t, std::uint32_t>, const GraphEdge*> seen;
    for (const auto& edge : graph_.edges) {
      const std::string& place = edge.place;
      check_name("type", edge.type, member_place(place, "type"), {"POINTS_TO"});
      check_properties(edge.properties, place, {});
      const auto from = number_.find(edge.from);
      const auto to = number_.find(edge.to);
      if (from == number_.end() || to == number_.end()) {
        report_dangling(edge, place, from == number_.end(), to == number_.end());
      } else if (from == to) {
        add(Kind::kSelfLoop, place, fmt::format("{} from {} to itself", edge.type, in_quotes(edge.from)));
      } else {
        const auto [first, is_new] = seen.try_emplace({edge.type, from->second, to->second}, &edge);
        if (is_new) {
          resolved_.arcs.push_back({from->second, to->second, &edge});
          continue;
        }
        add(Kind::kDuplicateEdge, place,
            fmt::format("{} from {} to {} is there already ({})", edge.type, in_quotes(edge.from),
                        in_quotes(edge.to), first->second->place));
      }
    }
  }

  void report_dangling(const GraphEdge& edge, const std::string& place, bool no_from, bool no_to) {
    std::string missing;
    if (no_from) missing = missing_node(edge.from);
    if (no_to && edge.to != edge.from) {
      missing += (missing.empty() ? "" : " and no node ") + missing_node(edge.to);
    }
    add(Kind::kDangling, place,
        fmt::format("{} from {} to {}: there is no node {}", printable(edge.type, 64), in_quotes(edge.from),
                    in_quotes(edge.to), missing));
  }

  std::string missing_node(const std::string& uid) {
    const auto near = spellings_.find(compose_hangul(uid));
    if (near == spellings_.end()) return in_quotes(uid);
    return fmt::format("{} (that of {} is written with other Unicode)", in_quotes(uid), near->second->place);
  }

  void check_cycles() {
    for (const auto& type : rules_.acyclic_types) {
      std::vector<std::pair<std::uint32_t, std::uint32_t>> pairs;
      std::map<std::pair<std::uint32_t, std::uint32_t>, const GraphEdge*> edges;
      for (const auto& arc : resolved_.arcs) {
        if (arc.edge->type != type) continue;
        pairs.emplace_back(arc.from, arc.to);
        edges.try_emplace(pairs.back(), arc.edge);
      }
      if (pairs.empty()) continue;
      const auto search = find_cycles(resolved_.nodes.size(), pairs, rules_.max_cycles);
      for (const auto& cycle : search.cycles) {
        const auto back = edges.find({cycle.back(), cycle.front()});
        add(Kind::kCycle, back->second->place,
            fmt::format("{} cycle of {}: {}", type, cycle.size(), cycle_path(cycle)));
      }
      if (search.uncovered_edges > 0) {
        add(Kind::kCycle, "",
            fmt::format("{}: {} more edges lie on further cycles", type, search.uncovered_edges));
      }
    }
  }

  std::string cycle_path(const std::vector<std::uint32_t>& cycle) const {
    std::string path;
    const std::size_t named = std::min(cycle.size(), rules_.max_cycle_path);
    for (std::size_t i = 0; i < named; ++i) path += in_quotes(resolved_.nodes[cycle[i]]->uid) + " -> ";
    if (named < cycle.size()) path += fmt::format("({} more) -> ", cycle.size() - named);
    return path + in_quotes(resolved_.nodes[cycle.front()]->uid);
  }

  const Graph& graph_;
  const GraphRules& rules_;
  std::vector<GraphProblem> problems_;
  std::unordered_map<std::string_view, std::uint32_t> number_;  // uid → position in resolved_.nodes
  ResolvedGraph resolved_;
  std::unordered_map<std::string, const GraphNode*> codes_;
  std::unordered_map<std::string, const GraphNode*> spellings_;  // uid as it looks → node
};

}  // namespace

std::string_view to_string(GraphProblem::Kind kind) {
  switch (kind) {
    case Kind::kShape:
      return "shape";
    case Kind::kName:
      return "name";
    case Kind::kValue:
      return "value";
    case Kind::kDuplicateUid:
      return "duplicate_uid";
    case Kind::kDuplicateCode:
      return "duplicate_code";
    case Kind::kDuplicateEdge:
      return "duplicate_edge";
    case Kind::kDangling:
      return "dangling";
    case Kind::kSelfLoop:
      return "self_loop";
    case Kind::kCycle:
      return "cycle";
    case Kind::kGradeOrder:
      return "grade_order";
    case Kind::kUnreachable:
      return "unreachable";
    case Kind::kEmbedding:
      return "embedding";
    case Kind::kLimit:
      return "limit";
    case Kind::kEmpty:
      return "empty";
  }
  return "unknown";
}

bool skippable(GraphProblem::Kind kind) {
  return kind == Kind::kDuplicateCode || kind == Kind::kGradeOrder || kind == Kind::kUnreachable ||
         kind == Kind::kEmbedding;
}

std::optional<GraphProblem::Kind> problem_kind(std::string_view name) {
  for (int i = 0; i <= static_cast<int>(Kind::kEmpty); ++i) {
    if (to_string(static_cast<Kind>(i)) == name) return static_cast<Kind>(i);
  }
  return std::nullopt;
}

std::string to_string(const GraphProblem& problem) {
  return fmt::format("{}{}{}: {}", problem.place, problem.place.empty() ? "" : ": ", to_string(problem.kind),
                     problem.message);
}

bool is_graph_identifier(std::string_view name) {
  const auto letter = [](char c) { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_'; };
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  return !name.empty() && name.size() <= 64 && letter(name.front()) &&
         std::ranges::all_of(name, [&](char c) { return letter(c) || digit(c); });
}

std::vector<GraphProblem> validate(const Graph& graph, const GraphRules& rules) {
  return bounded(Validator(graph, rules).run(), rules.max_problems);
}

std::vector<GraphProblem> bounded(std::vector<GraphProblem> problems, std::size_t max) {
  if (problems.size() <= max) return problems;
  const std::size_t more = problems.size() - max;
  problems.resize(max);
  problems.push_back({Kind::kLimit, "", fmt::format("{} more problems are not listed", more)});
  return problems;
}

}  // namespace tidegate::release
