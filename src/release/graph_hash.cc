// The canonical form behind canonical_sha256: elements sorted, every field with its length in front, so that
// two different graphs never have the same bytes.
#include <algorithm>
#include <bit>

#include <fmt/format.h>

#include "base/sha256.h"
#include "release/graph.h"

namespace tidegate::release {
namespace {

void put(std::string& out, std::string_view text) {
  fmt::format_to(std::back_inserter(out), "{}:", text.size());
  out += text;
}

// -0.0 and 0.0 are one number; the bits tell all others apart.
void put_double(std::string& out, double number) {
  fmt::format_to(std::back_inserter(out), "d{:016x}",
                 std::bit_cast<std::uint64_t>(number == 0 ? 0.0 : number));
}

struct PutValue {
  std::string& out;

  void operator()(bool value) const { out += value ? "t" : "f"; }
  void operator()(std::int64_t value) const { fmt::format_to(std::back_inserter(out), "i{};", value); }
  void operator()(double value) const { put_double(out, value); }
  void operator()(const std::string& value) const {
    out += 's';
    put(out, value);
  }
  template <class T>
  void operator()(const std::vector<T>& list) const {
    fmt::format_to(std::back_inserter(out), "[{};", list.size());
    for (const auto& item : list) (*this)(item);
  }
};

void put_properties(std::string& out, const std::vector<GraphProperty>& properties) {
  std::vector<const GraphProperty*> sorted;
  for (const auto& property : properties) sorted.push_back(&property);
  std::ranges::sort(sorted, {}, [](const GraphProperty* p) -> const std::string& { return p->name; });
  fmt::format_to(std::back_inserter(out), "{{{};", sorted.size());
  for (const auto* property : sorted) {
    put(out, property->name);
    std::visit(PutValue{out}, property->value);
  }
}

std::string canonical(const GraphNode& node) {
  std::string out = "n";
  put(out, node.uid);
  put(out, node.label);
  put_properties(out, node.properties);
  return out;
}

std::string canonical(const GraphEdge& edge) {
  std::string out = "e";
  put(out, edge.type);
  put(out, edge.from);
  put(out, edge.to);
  put_properties(out, edge.properties);
  return out;
}

template <class Element>
void hash_all(Sha256& hash, const std::vector<Element>& elements) {
  std::vector<std::string> lines;
  lines.reserve(elements.size());
  for (const auto& element : elements) lines.push_back(canonical(element));
  std::ranges::sort(lines);
  for (const auto& line : lines) hash.update(line);
}

}  // namespace

std::string canonical_sha256(const Graph& graph) {
  Sha256 hash;
  std::string head = "tidegate-graph-1;";
  put(head, graph.curriculum);
  put(head, graph.revision);
  hash.update(head);
  hash_all(hash, graph.nodes);
  hash_all(hash, graph.edges);
  return hash.hex();
}

}  // namespace tidegate::release
