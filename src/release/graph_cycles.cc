#include "release/graph_cycles.h"

#include <algorithm>
#include <limits>
#include <set>

namespace tidegate::release {
namespace {

using Edge = std::pair<std::uint32_t, std::uint32_t>;
constexpr std::uint32_t kNone = std::numeric_limits<std::uint32_t>::max();

// Outgoing edges of all nodes in one array.
struct Adjacency {
  std::vector<std::uint32_t> first;  // of node i: targets[first[i]] … targets[first[i + 1] - 1]
  std::vector<std::uint32_t> targets;

  Adjacency(std::size_t nodes, const std::vector<Edge>& edges) : first(nodes + 1), targets(edges.size()) {
    for (const auto& [from, to] : edges) ++first[from + 1];
    for (std::size_t i = 0; i < nodes; ++i) first[i + 1] += first[i];
    auto next = first;
    for (const auto& [from, to] : edges) targets[next[from]++] = to;
  }
};

// Tarjan's algorithm with its own stack: a curriculum may be one chain of 200,000 nodes.
class Tarjan {
 public:
  Tarjan(std::size_t nodes, const Adjacency& adjacency)
      : out_(adjacency), order_(nodes, kNone), low_(nodes), component_(nodes, kNone), next_(nodes) {}

  std::vector<std::uint32_t> run() {
    for (std::uint32_t node = 0; node < order_.size(); ++node) {
      if (order_[node] == kNone) visit(node);
    }
    return std::move(component_);
  }

 private:
  void enter(std::uint32_t node) {
    order_[node] = low_[node] = counter_++;
    next_[node] = out_.first[node];
    path_.push_back(node);
    open_.push_back(node);
  }

  void visit(std::uint32_t root) {
    enter(root);
    while (!path_.empty()) {
      const std::uint32_t node = path_.back();
      if (next_[node] < out_.first[node + 1]) {
        const std::uint32_t to = out_.targets[next_[node]++];
        if (order_[to] == kNone) {
          enter(to);
        } else if (component_[to] == kNone) {
          low_[node] = std::min(low_[node], order_[to]);
        }
        continue;
      }
      path_.pop_back();
      if (!path_.empty()) low_[path_.back()] = std::min(low_[path_.back()], low_[node]);
      if (low_[node] == order_[node]) close(node);
    }
  }

  void close(std::uint32_t root) {
    std::uint32_t node = kNone;
    do {
      node = open_.back();
      open_.pop_back();
      component_[node] = components_;
    } while (node != root);
    ++components_;
  }

  const Adjacency& out_;
  std::vector<std::uint32_t> order_, low_, component_, next_;
  std::vector<std::uint32_t> path_, open_;
  std::uint32_t counter_ = 0;
  std::uint32_t components_ = 0;
};

// The shortest way from `from` to `to` inside their component; breadth first. Scratch space is kept between
// calls.
class ShortestPath {
 public:
  ShortestPath(const Adjacency& adjacency, const std::vector<std::uint32_t>& component)
      : out_(adjacency), component_(component), before_(component.size(), kNone) {}

  std::vector<std::uint32_t> find(std::uint32_t from, std::uint32_t to) {
    queue_.assign(1, from);
    before_[from] = from;
    for (std::size_t head = 0; head < queue_.size() && before_[to] == kNone; ++head) {
      const std::uint32_t node = queue_[head];
      for (std::uint32_t i = out_.first[node]; i < out_.first[node + 1]; ++i) {
        const std::uint32_t next = out_.targets[i];
        if (component_[next] != component_[from] || before_[next] != kNone) continue;
        before_[next] = node;
        queue_.push_back(next);
      }
    }
    std::vector<std::uint32_t> path;
    for (std::uint32_t node = to; node != from; node = before_[node]) path.push_back(node);
    path.push_back(from);
    std::ranges::reverse(path);
    for (const std::uint32_t node : queue_) before_[node] = kNone;
    return path;
  }

 private:
  const Adjacency& out_;
  const std::vector<std::uint32_t>& component_;
  std::vector<std::uint32_t> before_, queue_;
};

}  // namespace

std::vector<std::uint32_t> components(std::size_t nodes, const std::vector<Edge>& edges) {
  const Adjacency adjacency(nodes, edges);
  return Tarjan(nodes, adjacency).run();
}

CycleSearch find_cycles(std::size_t nodes, const std::vector<Edge>& edges, std::size_t max_cycles) {
  const Adjacency adjacency(nodes, edges);
  const auto component = Tarjan(nodes, adjacency).run();
  std::vector<Edge> inside;
  for (const auto& edge : edges) {
    if (edge.first != edge.second && component[edge.first] == component[edge.second]) inside.push_back(edge);
  }
  CycleSearch result;
  std::set<Edge> covered;
  ShortestPath shortest(adjacency, component);
  for (const auto& edge : inside) {
    if (covered.contains(edge)) continue;
    if (result.cycles.size() == max_cycles) {
      ++result.uncovered_edges;
      continue;
    }
    auto cycle = shortest.find(edge.second, edge.first);
    for (std::size_t i = 0; i < cycle.size(); ++i) covered.emplace(cycle[i], cycle[(i + 1) % cycle.size()]);
    std::ranges::rotate(cycle, std::ranges::min_element(cycle));
    result.cycles.push_back(std::move(cycle));
  }
  return result;
}

}  // namespace tidegate::release
