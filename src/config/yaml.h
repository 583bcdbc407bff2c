// Our own YAML tree: what Psych (the reader under GitLab) makes of a text, with the place of every value.
// Nodes are immutable once built and shared, so an alias costs a pointer. Nothing here knows libyaml.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "config/diagnostic.h"

namespace tidegate::config::yaml {

/// A place, cheap to copy: the file's name is shared by all nodes of the file.
struct Mark {
  std::shared_ptr<const std::string> file;
  std::uint32_t line = 0;
  std::uint32_t column = 0;

  Place place() const { return {.file = file ? *file : std::string(), .line = line, .column = column}; }
};

enum class Kind : std::uint8_t { kNull, kBool, kInt, kFloat, kString, kList, kMap, kReference };

/// "a hash", "a string", … for messages; the words that GitLab uses.
std::string_view to_string(Kind kind);

struct Node;
using NodePtr = std::shared_ptr<const Node>;

struct Entry {
  std::string key;
  Mark mark;  ///< of the key
  NodePtr value;
};

/// One value. `items` is set for lists, and for references (`!reference [a, b]`: the path; empty when the tag
/// stands on anything but a list).
struct Node {
  Kind kind = Kind::kNull;
  bool folded = false;  ///< a plain or `>` scalar over several lines: its line breaks became spaces
  bool refers = false;  ///< it is a reference, or one stands somewhere in it
  Mark mark;
  std::string text;  ///< scalars, as Ruby prints the typed value: "1.1" for 1.10, "true" for on, "" for null
  std::vector<NodePtr> items;
  std::vector<Entry> entries;        ///< maps, in order, keys unique
  std::vector<std::uint32_t> index;  ///< entries sorted by key, for large maps only
  std::uint32_t depth = 0;           ///< levels below this value
  std::uint64_t weight = 1;          ///< size of the whole value when every alias is written out

  bool is_null() const { return kind == Kind::kNull; }
  bool is_map() const { return kind == Kind::kMap; }
  bool is_list() const { return kind == Kind::kList; }
  bool is_string() const { return kind == Kind::kString; }
  bool is_scalar() const { return kind <= Kind::kString; }

  const Entry* find_entry(std::string_view key) const;
  /// The value of a key of a map; null when there is none.
  const Node* find(std::string_view key) const;
};

NodePtr make_scalar(Kind kind, std::string text, Mark mark, bool folded = false);
NodePtr make_list(std::vector<NodePtr> items, Mark mark);
/// `entries` must have unique keys.
NodePtr make_map(std::vector<Entry> entries, Mark mark);
NodePtr make_reference(std::vector<NodePtr> path, Mark mark);

/// What a text may cost. Beyond, there is a diagnostic and no tree. The numbers of bytes and depth are
/// GitLab's (max_yaml_size_bytes, max_yaml_depth).
struct Limits {
  std::size_t bytes = 2 * 1024 * 1024;
  std::size_t depth = 100;
  std::size_t nodes = 300'000;
  std::uint64_t weight = 1'000'000;  ///< of a document with every alias written out; against alias bombs
  std::size_t documents = 1;         ///< reading stops after these
};

/// An anchor of the text, and how often an alias meant it.
struct AnchorNote {
  std::string name;
  Mark mark;
  std::size_t uses = 0;
};

/// A plain scalar whose value reads otherwise than it was written: 0755, 1.10, yes.
struct AlteredScalar {
  Mark mark;
  std::string written;
};

struct Parsed {
  std::vector<NodePtr> documents;
  Diagnostics diagnostics;  ///< syntax errors, limits, values that Psych refuses; duplicate keys as warnings
  std::vector<AnchorNote> anchors;
  std::vector<AlteredScalar> altered;  ///< at most 1,000
};

/// Reads a stream. With an error, `documents` holds those that were complete before it.
Parsed parse(std::string_view text, const std::string& file, const Limits& limits = {});

/// YAML text that parses to the same tree. References keep their tag.
std::string emit(const Node& node);

}  // namespace tidegate::config::yaml
