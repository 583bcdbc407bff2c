// The making of YAML maps: unique keys, merge keys, and the text of a key that is no string.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "config/yaml.h"

namespace tidegate::config::yaml {

/// Entries in order with unique keys, the last value of a key winning in its first place.
class MapBuilder {
 public:
  /// Returns the mark of the key's earlier writing, if it stood in this very map.
  std::optional<Mark> set(std::string key, const Mark& mark, NodePtr value, bool own) {
    const auto [at, fresh] = index_.try_emplace(key, entries_.size());
    if (fresh) {
      entries_.push_back({.key = std::move(key), .mark = mark, .value = std::move(value)});
      own_.push_back(own);
      return std::nullopt;
    }
    Entry& entry = entries_[at->second];
    const std::optional<Mark> earlier = own && own_[at->second] ? std::optional(entry.mark) : std::nullopt;
    entry.mark = mark;
    entry.value = std::move(value);
    own_[at->second] = own;
    return earlier;
  }

  void merge(const Node& map) {
    for (const Entry& entry : map.entries) set(entry.key, entry.mark, entry.value, false);
  }

  std::vector<Entry> take() { return std::move(entries_); }
  std::size_t size() const { return entries_.size(); }

 private:
  std::vector<Entry> entries_;
  std::vector<bool> own_;
  std::unordered_map<std::string, std::size_t> index_;
};

/// The text of a key that is not a string: what Ruby's to_s gives.
std::string key_text(const Node& node);

}  // namespace tidegate::config::yaml
