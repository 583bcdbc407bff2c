// The making of YAML maps: unique keys, merge keys, and the text of a key that is no string.
#pragma once

#include <algorithm>
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
    const std::size_t at = place_of(key);
    if (at == entries_.size()) {
      if (!index_.empty()) index_.emplace(key, at);
      entries_.push_back({.key = std::move(key), .mark = mark, .value = std::move(value)});
      own_.push_back(own);
      if (entries_.size() == kScanned) fill_index();
      return std::nullopt;
    }
    Entry& entry = entries_[at];
    const std::optional<Mark> earlier = own && own_[at] ? std::optional(entry.mark) : std::nullopt;
    entry.mark = mark;
    entry.value = std::move(value);
    own_[at] = own;
    return earlier;
  }

  void merge(const Node& map) {
    for (const Entry& entry : map.entries) set(entry.key, entry.mark, entry.value, false);
  }

  std::vector<Entry> take() { return std::move(entries_); }
  std::size_t size() const { return entries_.size(); }

 private:
  static constexpr std::size_t kScanned = 12;  ///< smaller maps are looked through

  /// The size when there is no such key.
  std::size_t place_of(const std::string& key) const {
    if (!index_.empty()) {
      const auto found = index_.find(key);
      return found == index_.end() ? entries_.size() : found->second;
    }
    return static_cast<std::size_t>(std::ranges::find(entries_, key, &Entry::key) - entries_.begin());
  }
  void fill_index() {
    for (std::size_t i = 0; i < entries_.size(); ++i) index_.emplace(entries_[i].key, i);
  }

  std::vector<Entry> entries_;
  std::vector<bool> own_;
  std::unordered_map<std::string, std::size_t> index_;
};

/// The text of a key that is not a string: what Ruby's to_s gives.
std::string key_text(const Node& node);

}  // namespace tidegate::config::yaml
