#include "config/reference.h"

#include <string>
#include <unordered_map>
#include <unordered_set>

#include <fmt/core.h>

#include "base/text.h"

namespace tidegate::config {
namespace {

using yaml::Entry;
using yaml::Node;
using yaml::NodePtr;

// GitLab sets no limit of its own but for arrays in scripts; this one keeps the walks over the result
// shallow.
constexpr std::size_t kMaxDepth = 400;
// Of the whole configuration with everything written out, so that readers may walk it freely.
constexpr std::uint64_t kMaxWeight = 2'000'000;

std::string path_text(const Node& reference) {
  std::string text = "!reference [";
  for (std::size_t i = 0; i < reference.items.size(); ++i)
    text += fmt::format("{}\"{}\"", i == 0 ? "" : ", ", printable(reference.items[i]->text, 60));
  return text + "]";
}

class Resolver {
 public:
  Resolver(NodePtr root, Findings& out) : root_(std::move(root)), out_(out) {}

  /// Null for a reference that leads nowhere: it has been reported, and leaves a hole.
  NodePtr resolve(const NodePtr& node) {
    if (node->kind == yaml::Kind::kReference) return follow(node);
    if (!node->refers && node->weight <= kMaxWeight) return node;
    if (const auto found = done_.find(node.get()); found != done_.end()) return found->second;
    bool changed = false;
    ++depth_;
    NodePtr result = node->is_map() ? resolve_map(*node, changed) : resolve_list(*node, changed);
    --depth_;
    if (!changed) result = node;
    if (result->weight > kMaxWeight) {
      if (!too_large_)
        out_.error("config-too-large", node->mark,
                   "The configuration is too large once its aliases and references are written out");
      too_large_ = true;
      result = yaml::make_scalar(yaml::Kind::kNull, {}, node->mark);
    }
    done_.emplace(node.get(), result);
    return result;
  }

  bool too_large() const { return too_large_; }

 private:
  NodePtr resolve_map(const Node& node, bool& changed) {
    std::vector<Entry> entries;
    entries.reserve(node.entries.size());
    for (const Entry& entry : node.entries) {
      NodePtr value = resolve(entry.value);
      if (!value) value = yaml::make_scalar(yaml::Kind::kNull, {}, entry.value->mark);
      changed = changed || value != entry.value;
      entries.push_back({.key = entry.key, .mark = entry.mark, .value = std::move(value)});
    }
    return changed ? yaml::make_map(std::move(entries), node.mark) : nullptr;
  }

  NodePtr resolve_list(const Node& node, bool& changed) {
    std::vector<NodePtr> items;
    items.reserve(node.items.size());
    for (const NodePtr& item : node.items) {
      NodePtr value = resolve(item);
      changed = changed || value != item;
      if (value) items.push_back(std::move(value));
    }
    return changed ? yaml::make_list(std::move(items), node.mark) : nullptr;
  }

  NodePtr follow(const NodePtr& reference);
  NodePtr find_target(const Node& reference);
  std::string near_key(std::string_view name) {
    return out_.did_you_mean(name, root_->entries.size(), [&] {
      std::vector<std::string> known;
      for (const Entry& entry : root_->entries) known.push_back(entry.key);
      return known;
    });
  }
  NodePtr fail(const Node& reference, std::string code, std::string_view what, std::string hint = {}) {
    out_.error(std::move(code), reference.mark, fmt::format("{} {}", path_text(reference), what),
               std::move(hint));
    out_.set_holes();
    return nullptr;
  }

  NodePtr root_;
  Findings& out_;
  std::unordered_map<const Node*, NodePtr> done_;
  std::unordered_set<const Node*> open_;
  std::size_t depth_ = 0;
  bool too_large_ = false;
};

NodePtr Resolver::find_target(const Node& reference) {
  const NodePtr* at = &root_;
  for (const NodePtr& step : reference.items) {
    if (!(*at)->is_map()) return nullptr;
    const Entry* entry = (*at)->find_entry(step->text);
    if (entry == nullptr) return nullptr;
    at = &entry->value;
  }
  return *at;
}

NodePtr Resolver::follow(const NodePtr& reference) {
  if (const auto found = done_.find(reference.get()); found != done_.end()) return found->second;
  bool valid = !reference->items.empty();
  for (const NodePtr& step : reference->items) valid = valid && step->is_string();
  NodePtr result;
  if (!valid) {
    result = fail(*reference, "reference-invalid", "is not valid", "Write !reference [job, keyword].");
  } else if (open_.contains(reference.get())) {
    return fail(*reference, "reference-cycle", "is part of a circular chain");
  } else if (depth_ >= kMaxDepth) {
    return fail(*reference, "reference-too-deep", "is nested too deep");
  } else if (const NodePtr target = find_target(*reference); !target || target->is_null()) {
    if (out_.incomplete()) return nullptr;
    const auto& first = reference->items.front()->text;
    result = fail(*reference, "reference-unknown", "could not be found",
                  root_->find(first) == nullptr ? near_key(first) : "");
  } else {
    open_.insert(reference.get());
    ++depth_;
    result = resolve(target);
    --depth_;
    open_.erase(reference.get());
    if (result && result->depth > kMaxDepth)
      return fail(*reference, "reference-too-deep", "is nested too deep");
  }
  done_.emplace(reference.get(), result);
  return result;
}

}  // namespace

NodePtr resolve_references(const NodePtr& root, Findings& out) {
  Resolver resolver(root, out);
  NodePtr result = resolver.resolve(root);
  return resolver.too_large() ? nullptr : result;
}

}  // namespace tidegate::config
