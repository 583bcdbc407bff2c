#include "config/merge.h"

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

NodePtr without_key(const NodePtr& map, std::string_view key) {
  if (map->find_entry(key) == nullptr) return map;
  std::vector<Entry> entries;
  entries.reserve(map->entries.size());
  for (const Entry& entry : map->entries)
    if (entry.key != key) entries.push_back(entry);
  return yaml::make_map(std::move(entries), map->mark);
}

}  // namespace tidegate::config
