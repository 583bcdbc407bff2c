#include "config/merge.h"

#include <algorithm>
#include <string_view>
#include <unordered_map>

namespace tidegate::config {

using yaml::Entry;
using yaml::NodePtr;

NodePtr deep_merge(const NodePtr& base, const NodePtr& over, Budget& budget) {
  if (!base->is_map() || !over->is_map()) return over;
  if (base->entries.empty() || base == over) return over;
  if (over->entries.empty()) return base;
  if (!budget.spend(base->entries.size() + over->entries.size())) return base;
  std::vector<Entry> entries = base->entries;
  std::unordered_map<std::string_view, std::size_t> places;
  for (std::size_t i = 0; i < base->entries.size(); ++i) places.emplace(base->entries[i].key, i);
  for (const Entry& entry : over->entries) {
    const auto found = places.find(entry.key);
    if (found == places.end()) {
      entries.push_back(entry);
    } else {
      Entry& place = entries[found->second];
      place.mark = entry.mark;
      place.value = deep_merge(place.value, entry.value, budget);
    }
  }
  return yaml::make_map(std::move(entries), over->mark);
}

namespace {

void flatten_into(const yaml::Node& list, std::vector<NodePtr>& items) {
  for (const NodePtr& item : list.items) {
    if (item->is_list()) {
      flatten_into(*item, items);
    } else {
      items.push_back(item);
    }
  }
}

NodePtr flatten_list(const NodePtr& node) {
  const bool nested = node->is_list() &&
                      std::ranges::any_of(node->items, [](const NodePtr& item) { return item->is_list(); });
  if (!nested) return node;
  std::vector<NodePtr> items;
  flatten_into(*node, items);
  return yaml::make_list(std::move(items), node->mark);
}

NodePtr flatten_keys(const NodePtr& map) {
  std::vector<Entry> entries = map->entries;
  bool changed = false;
  for (Entry& entry : entries) {
    if (entry.key != "script" && entry.key != "before_script" && entry.key != "after_script" &&
        entry.key != "rules" && entry.key != "stages")
      continue;
    NodePtr flat = flatten_list(entry.value);
    changed = changed || flat != entry.value;
    entry.value = std::move(flat);
  }
  return changed ? yaml::make_map(std::move(entries), map->mark) : map;
}

}  // namespace

NodePtr flatten_scripts(const NodePtr& root) {
  std::vector<Entry> entries = root->entries;
  for (Entry& entry : entries)
    if (entry.value->is_map()) entry.value = flatten_keys(entry.value);
  return flatten_keys(yaml::make_map(std::move(entries), root->mark));
}

NodePtr without_key(const NodePtr& map, std::string_view key) {
  if (map->find_entry(key) == nullptr) return map;
  std::vector<Entry> entries;
  entries.reserve(map->entries.size());
  for (const Entry& entry : map->entries)
    if (entry.key != key) entries.push_back(entry);
  return yaml::make_map(std::move(entries), map->mark);
}

}  // namespace tidegate::config
