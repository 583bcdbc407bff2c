#include "config/yaml.h"

#include <algorithm>

namespace tidegate::config::yaml {
namespace {

constexpr std::size_t kIndexFrom = 16;
constexpr std::uint64_t kWeightMax = std::uint64_t{1} << 62;

std::uint64_t text_weight(std::string_view text) {
  return 1 + text.size() / 32;
}

/// Counts a child into its parent. Neither weight is above kWeightMax, so the sum does not wrap.
void adopt(Node& parent, const Node& child, std::uint64_t key_weight = 0) {
  parent.weight = std::min(parent.weight + child.weight + key_weight, kWeightMax);
  parent.depth = std::max(parent.depth, child.depth + 1);
  parent.refers = parent.refers || child.refers;
}

}  // namespace

std::string_view to_string(Kind kind) {
  switch (kind) {
    case Kind::kNull:
      return "nothing";
    case Kind::kBool:
      return "a boolean";
    case Kind::kInt:
      return "a number";
    case Kind::kFloat:
      return "a number";
    case Kind::kString:
      return "a string";
    case Kind::kList:
      return "an array";
    case Kind::kMap:
      return "a hash";
    case Kind::kReference:
      return "a !reference";
  }
  return "a value";
}

const Entry* Node::find_entry(std::string_view key) const {
  if (index.empty()) {
    const auto found = std::ranges::find(entries, key, &Entry::key);
    return found == entries.end() ? nullptr : &*found;
  }
  const auto by_key = [this](std::uint32_t i) { return std::string_view(entries[i].key); };
  const auto found = std::ranges::lower_bound(index, key, {}, by_key);
  return found != index.end() && entries[*found].key == key ? &entries[*found] : nullptr;
}

const Node* Node::find(std::string_view key) const {
  const Entry* entry = find_entry(key);
  return entry == nullptr ? nullptr : entry->value.get();
}

NodePtr make_scalar(Kind kind, std::string text, Mark mark, bool folded) {
  auto node = std::make_shared<Node>();
  node->kind = kind;
  node->weight = text_weight(text);
  node->text = std::move(text);
  node->mark = std::move(mark);
  node->folded = folded;
  return node;
}

NodePtr make_list(std::vector<NodePtr> items, Mark mark) {
  auto node = std::make_shared<Node>();
  node->kind = Kind::kList;
  node->mark = std::move(mark);
  for (const NodePtr& item : items) adopt(*node, *item);
  node->items = std::move(items);
  return node;
}

NodePtr make_map(std::vector<Entry> entries, Mark mark) {
  auto node = std::make_shared<Node>();
  node->kind = Kind::kMap;
  node->mark = std::move(mark);
  for (const Entry& entry : entries) adopt(*node, *entry.value, text_weight(entry.key));
  node->entries = std::move(entries);
  if (node->entries.size() >= kIndexFrom) {
    node->index.resize(node->entries.size());
    for (std::uint32_t i = 0; i < node->index.size(); ++i) node->index[i] = i;
    std::ranges::sort(node->index, {},
                      [&](std::uint32_t i) { return std::string_view(node->entries[i].key); });
  }
  return node;
}

NodePtr make_reference(std::vector<NodePtr> path, Mark mark) {
  auto node = std::make_shared<Node>();
  node->kind = Kind::kReference;
  node->refers = true;
  node->mark = std::move(mark);
  for (const NodePtr& item : path) adopt(*node, *item);
  node->items = std::move(path);
  return node;
}

}  // namespace tidegate::config::yaml
