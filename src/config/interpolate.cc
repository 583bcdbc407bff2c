#include "config/interpolate.h"

#include <algorithm>
#include <optional>
#include <unordered_map>

#include <fmt/core.h>

#include "base/text.h"

namespace tidegate::config {
namespace {

using yaml::Entry;
using yaml::Kind;
using yaml::Mark;
using yaml::Node;
using yaml::NodePtr;

constexpr std::string_view kOpen = "$[[";
constexpr std::string_view kClose = "]]";
constexpr std::string_view kBlanks = " \t\r\n\f\v";
constexpr std::size_t kMaxFunctions = 3;
constexpr std::size_t kMaxPath = 1024;
constexpr std::size_t kMaxBlocks = 10'000;
constexpr std::size_t kMaxValue = 1024 * 1024;
constexpr std::size_t kMaxWarnings = 20;
constexpr std::uint64_t kBytesPerUnit = 64;

/// "servers[0][1]": a name and indexes. Nothing when the brackets are wrong.
struct Segment {
  std::string_view name;
  std::vector<std::size_t> indexes;
};

std::optional<Segment> read_segment(std::string_view text) {
  Segment segment{.name = text.substr(0, text.find('[')), .indexes = {}};
  text.remove_prefix(segment.name.size());
  while (!text.empty()) {
    const std::size_t end = text.find(']');
    if (text.front() != '[' || end == std::string_view::npos) return std::nullopt;
    const auto number = parse_integer(text.substr(1, end - 1));
    if (!number || *number < 0) return std::nullopt;
    segment.indexes.push_back(static_cast<std::size_t>(*number));
    text.remove_prefix(end + 1);
  }
  return segment;
}

class Interpolator {
 public:
  Interpolator(const InterpolationContext& context, const IncludeScope& scope, Budget& budget, Findings& out)
      : context_(context), scope_(scope), budget_(budget), out_(out) {}

  NodePtr replace(const NodePtr& node);

 private:
  NodePtr replace_new(const NodePtr& node);
  NodePtr replace_map(const NodePtr& node);
  std::optional<std::vector<NodePtr>> replace_items(const Node& node);
  NodePtr replace_text(const NodePtr& node);
  std::optional<std::string> replace_in(std::string_view text, const Mark& mark,
                                        const std::vector<InterpolationBlock>& blocks);
  /// The value of a block; a null pointer when it stays as it is, or when it is wrong.
  NodePtr value_of(const InterpolationBlock& block, const Mark& mark);
  Result<NodePtr> evaluate(std::string_view data);
  Result<NodePtr> find(std::string_view path);
  bool spend(std::size_t bytes) { return budget_.spend(1 + (bytes / kBytesPerUnit)); }

  const InterpolationContext& context_;
  const IncludeScope& scope_;
  Budget& budget_;
  Findings& out_;
  std::unordered_map<const Node*, NodePtr> done_;
  std::unordered_map<std::string, NodePtr> values_;
};

NodePtr Interpolator::replace(const NodePtr& node) {
  if (budget_.exhausted()) return node;
  if (node->is_scalar()) return node->is_string() ? replace_text(node) : node;
  const auto found = done_.find(node.get());
  if (found != done_.end()) return found->second;
  return done_[node.get()] = replace_new(node);
}

NodePtr Interpolator::replace_new(const NodePtr& node) {
  if (node->is_map()) return replace_map(node);
  auto items = replace_items(*node);
  if (!items) return node;
  return node->is_list() ? yaml::make_list(*std::move(items), node->mark)
                         : yaml::make_reference(*std::move(items), node->mark);
}

NodePtr Interpolator::replace_map(const NodePtr& node) {
  std::vector<Entry> entries;
  entries.reserve(node->entries.size());
  std::unordered_map<std::string, std::size_t> places;
  bool changed = false;
  for (const Entry& entry : node->entries) {
    Entry copy = entry;
    if (const auto blocks = find_blocks(entry.key); !blocks.empty())
      copy.key = replace_in(entry.key, entry.mark, blocks).value_or(entry.key);
    copy.value = replace(entry.value);
    changed = changed || copy.value != entry.value || copy.key != entry.key;
    // Two keys may become one: then the later one counts, as everywhere.
    const auto [place, is_new] = places.try_emplace(copy.key, entries.size());
    if (is_new)
      entries.push_back(std::move(copy));
    else
      entries[place->second] = std::move(copy);
  }
  return changed ? yaml::make_map(std::move(entries), node->mark) : node;
}

/// Nothing when no item has changed.
std::optional<std::vector<NodePtr>> Interpolator::replace_items(const Node& node) {
  std::vector<NodePtr> items;
  items.reserve(node.items.size());
  bool changed = false;
  for (const NodePtr& item : node.items) {
    NodePtr replaced = replace(item);
    changed = changed || replaced != item;
    if (item->is_string() && replaced->is_list()) {
      if (!spend(replaced->items.size() * kBytesPerUnit)) break;
      items.insert(items.end(), replaced->items.begin(), replaced->items.end());
    } else {
      items.push_back(std::move(replaced));
    }
  }
  return changed ? std::optional(std::move(items)) : std::nullopt;
}

NodePtr Interpolator::replace_text(const NodePtr& node) {
  if (node->text.find(kOpen) == std::string::npos) return node;
  if (node->text.size() > kMaxValue) {
    out_.error("invalid-interpolation", node->mark, "config node too large");
    return node;
  }
  const auto blocks = find_blocks(node->text);
  if (blocks.empty()) return node;
  if (blocks.size() == 1 && blocks[0].begin == 0 && blocks[0].end == node->text.size()) {
    const NodePtr value = value_of(blocks[0], node->mark);
    if (!value || !value->is_scalar()) return value ? value : node;
    return yaml::make_scalar(value->kind, value->text, node->mark, value->folded);
  }
  auto text = replace_in(node->text, node->mark, blocks);
  return text ? yaml::make_scalar(Kind::kString, *std::move(text), node->mark, node->folded) : node;
}

std::optional<std::string> Interpolator::replace_in(std::string_view text, const Mark& mark,
                                                    const std::vector<InterpolationBlock>& blocks) {
  std::string out;
  std::size_t at = 0;
  for (const InterpolationBlock& block : blocks) {
    const NodePtr value = value_of(block, mark);
    out += text.substr(at, block.begin - at);
    out += value ? interpolated_text(*value) : std::string(text.substr(block.begin, block.end - block.begin));
    at = block.end;
    if (out.size() > kMaxValue || !spend(out.size() / blocks.size())) {
      if (!budget_.exhausted()) out_.error("invalid-interpolation", mark, "config node too large");
      return std::nullopt;
    }
  }
  out += text.substr(at);
  if (!spend(out.size())) return std::nullopt;
  return out;
}

NodePtr Interpolator::value_of(const InterpolationBlock& block, const Mark& mark) {
  if (block.data.starts_with("matrix.")) return nullptr;
  if (const auto found = values_.find(std::string(block.data)); found != values_.end()) return found->second;
  if (values_.size() >= kMaxBlocks) {
    out_.error("invalid-interpolation", mark, "too many interpolation blocks");
    return nullptr;
  }
  Result<NodePtr> value = evaluate(block.data);
  if (!value) {
    const bool unknown = value.error().code == Errc::kNotFound;
    std::string hint;
    if (unknown) {
      const std::string_view name = trim(block.data.substr(0, block.data.find('|')));
      hint = out_.did_you_mean(name.substr(name.rfind('.') + 1), context_.inputs.size(), [&] {
        std::vector<std::string> names;
        for (const auto& [key, one] : context_.inputs) names.push_back(key);
        return names;
      });
      if (hint.empty()) hint = "Declare it in the header of this file, under `spec:inputs`.";
    }
    out_.error(unknown ? "unknown-input" : "invalid-interpolation", mark, value.error().message, hint);
  }
  return values_[std::string(block.data)] = value ? *value : nullptr;
}

Result<NodePtr> Interpolator::evaluate(std::string_view data) {
  std::vector<std::string> parts = split(data, '|');
  while (parts.size() > 1 && parts.back().empty()) parts.pop_back();
  TG_TRY(NodePtr value, find(trim(parts[0])));
  if (parts.size() - 1 > kMaxFunctions)
    return fail(Errc::kInvalid, "too many functions in interpolation block");
  for (std::size_t i = 1; i < parts.size(); ++i) {
    if (!spend(value->text.size())) return value;
    TG_TRY(value, apply_function(trim(parts[i]), value, scope_));
  }
  return value;
}

Result<NodePtr> Interpolator::find(std::string_view path) {
  const std::vector<std::string> names = split(path, '.');
  if (names.size() < 2)
    return fail(Errc::kInvalid,
                fmt::format("invalid interpolation access pattern: `{}`", printable(path, 100)));
  if (path.size() > kMaxPath) return fail(Errc::kInvalid, "maximum interpolation expression size exceeded");
  const InputValues* values = names[0] == "inputs"      ? &context_.inputs
                              : names[0] == "component" ? &context_.component
                                                        : nullptr;
  const auto unknown = [](std::string_view name) {
    return fail(Errc::kNotFound, fmt::format("unknown interpolation key: `{}`", printable(name, 100)));
  };
  if (values == nullptr) return unknown(names[0]);
  NodePtr at;
  for (std::size_t i = 1; i < names.size(); ++i) {
    const auto segment = read_segment(names[i]);
    if (!segment)
      return fail(Errc::kInvalid, fmt::format("invalid array index syntax in `{}`", printable(path, 100)));
    if (i == 1) {
      const auto found = std::ranges::find(*values, segment->name, &InputValues::value_type::first);
      if (found == values->end()) return unknown(segment->name);
      at = found->second;
    } else {
      const Entry* entry = at->is_map() ? at->find_entry(segment->name) : nullptr;
      if (entry == nullptr) return unknown(segment->name);
      at = entry->value;
    }
    for (const std::size_t index : segment->indexes) {
      if (!at->is_list() || index >= at->items.size())
        return fail(Errc::kInvalid, fmt::format("array index out of range in `{}`", printable(path, 100)));
      at = at->items[index];
    }
  }
  return at;
}

class Warner {
 public:
  explicit Warner(Findings& out) : out_(out) {}

  /// What several aliases mean is visited several times: the reader bounds how much that can be.
  void visit(const Node& node) {
    if (count_ >= kMaxWarnings) return;
    if (node.is_string()) look_at(node.text, node.mark);
    for (const NodePtr& item : node.items) visit(*item);
    for (const Entry& entry : node.entries) {
      look_at(entry.key, entry.mark);
      visit(*entry.value);
    }
  }

 private:
  void look_at(std::string_view text, const Mark& mark) {
    if (text.find(kOpen) == std::string_view::npos || count_ >= kMaxWarnings) return;
    const bool any = std::ranges::any_of(
        find_blocks(text), [](const InterpolationBlock& block) { return block.data.starts_with("inputs."); });
    if (!any) return;
    ++count_;
    out_.warning("inputs-without-spec", mark, "This file has no `spec` header, so the block stays as text",
                 "Declare the inputs in a header document before `---`.");
  }

  Findings& out_;
  std::size_t count_ = 0;
};

}  // namespace

std::vector<InterpolationBlock> find_blocks(std::string_view text) {
  std::vector<InterpolationBlock> blocks;
  std::size_t at = text.find(kOpen);
  while (at != std::string_view::npos) {
    const std::size_t begin = text.find_first_not_of(kBlanks, at + kOpen.size());
    if (begin == std::string_view::npos) break;
    const std::size_t line_end = std::min(text.find('\n', begin), text.size());
    // From the second character on: data is at least two long. What stands before `]]` may be blanks only
    // over the end of the line.
    std::size_t close = text.substr(0, line_end).find(kClose, std::min(begin + 2, line_end));
    if (close == std::string_view::npos) {
      const std::size_t next = text.find_first_not_of(kBlanks, line_end);
      if (next != std::string_view::npos && text.substr(next).starts_with(kClose)) close = next;
    }
    const std::string_view data =
        close == std::string_view::npos ? std::string_view() : trim(text.substr(begin, close - begin));
    if (data.size() < 2) {  // nothing closes this line's blocks, or a block of one character
      at = text.find(kOpen, close == std::string_view::npos ? line_end : at + 1);
      continue;
    }
    blocks.push_back({.begin = at, .end = close + kClose.size(), .data = data});
    at = text.find(kOpen, close + kClose.size());
  }
  return blocks;
}

void warn_of_blocks(const Node& content, Findings& out) {
  Warner(out).visit(content);
}

NodePtr interpolate(const NodePtr& content, const InterpolationContext& context, const IncludeScope& scope,
                    Budget& budget, Findings& out) {
  return Interpolator(context, scope, budget, out).replace(content);
}

}  // namespace tidegate::config
