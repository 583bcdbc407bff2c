#include "config/extends.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <fmt/core.h>

#include "base/text.h"

namespace tidegate::config {
namespace {

using yaml::Entry;
using yaml::Node;
using yaml::NodePtr;

constexpr std::size_t kMaxAncestors = 10;  // an entry with more may not extend again: 11 levels in all

class Extender {
 public:
  Extender(const Node& root, Findings& out, Budget& budget) : root_(root), out_(out), budget_(budget) {}

  NodePtr run() {
    std::vector<Entry> entries;
    entries.reserve(root_.entries.size());
    for (const Entry& entry : root_.entries) {
      std::vector<std::string_view> ancestors;
      out_.set_job(entry.key);
      entries.push_back({.key = entry.key, .mark = entry.mark, .value = resolve(entry, ancestors).value});
    }
    out_.set_job({});
    return yaml::make_map(std::move(entries), root_.mark);
  }

 private:
  struct Resolved {
    NodePtr value;
    std::size_t levels = 0;  ///< of extends below this entry; says whether a memo still fits at a depth
  };

  Resolved resolve(const Entry& entry, std::vector<std::string_view>& ancestors);
  bool read_parents(const Entry& entry, const Node& extends, std::vector<const Entry*>& parents);
  std::string near_key(std::string_view name) {
    return out_.did_you_mean(name, root_.entries.size(), [&] {
      std::vector<std::string> known;
      for (const Entry& other : root_.entries) known.push_back(other.key);
      return known;
    });
  }
  void fail(const Entry& entry, const yaml::Mark& mark, std::string_view code, std::string_view what,
            std::string hint = {}) {
    out_.error(std::string(code), mark, fmt::format("{}: {}", printable(entry.key), what), std::move(hint));
  }

  const Node& root_;
  Findings& out_;
  Budget& budget_;
  std::unordered_map<std::string_view, Resolved> done_;
};

bool Extender::read_parents(const Entry& entry, const Node& extends, std::vector<const Entry*>& parents) {
  std::vector<const Node*> names;
  if (extends.is_list()) {
    for (const NodePtr& item : extends.items) names.push_back(item.get());
  } else {
    names.push_back(&extends);
  }
  bool good = true;
  for (const Node* name : names) {
    if (!name->is_string()) {
      fail(entry, name->mark, "invalid-type", "extends config should be an array of strings or a string");
      good = false;
      continue;
    }
    const Entry* parent = root_.find_entry(name->text);
    if (parent == nullptr) {
      good = false;
      if (out_.incomplete()) continue;
      fail(entry, name->mark, "extends-unknown",
           fmt::format("unknown keys in `extends` ({})", printable(name->text)), near_key(name->text));
    } else if (!parent->value->is_map()) {
      good = false;
      fail(entry, name->mark, "extends-not-a-hash",
           fmt::format("invalid base hashes in `extends` ({})", printable(name->text)));
    } else {
      parents.push_back(parent);
    }
  }
  return good;
}

Extender::Resolved Extender::resolve(const Entry& entry, std::vector<std::string_view>& ancestors) {
  const Entry* extends = entry.value->is_map() ? entry.value->find_entry("extends") : nullptr;
  if (extends == nullptr) return {.value = entry.value};
  if (const auto found = done_.find(entry.key);
      found != done_.end() && ancestors.size() + found->second.levels <= kMaxAncestors + 1)
    return found->second;
  const NodePtr own = without_key(entry.value, "extends");
  if (extends->value->is_null()) return {.value = own};
  const yaml::Mark& mark = extends->value->mark;
  if (std::ranges::find(ancestors, std::string_view(entry.key)) != ancestors.end()) {
    fail(entry, mark, "extends-cycle", "circular dependency detected in `extends`");
    return {.value = own};
  }
  if (ancestors.size() > kMaxAncestors) {
    fail(entry, mark, "extends-too-deep", "nesting too deep in `extends`", "At most 11 levels are allowed.");
    return {.value = own};
  }
  std::vector<const Entry*> parents;
  read_parents(entry, *extends->value, parents);
  ancestors.push_back(entry.key);
  Resolved result{.value = yaml::make_map({}, entry.value->mark), .levels = 0};
  for (const Entry* parent : parents) {
    const Resolved below = resolve(*parent, ancestors);
    result.levels = std::max(result.levels, below.levels);
    result.value = deep_merge(result.value, below.value, budget_);
    if (out_.has_errors() && budget_.exhausted()) break;
  }
  ancestors.pop_back();
  result.levels += 1;
  result.value = deep_merge(result.value, own, budget_);
  done_.insert_or_assign(entry.key, result);
  return result;
}

}  // namespace

NodePtr apply_extends(const NodePtr& root, Findings& out, Budget& budget) {
  const bool any = std::ranges::any_of(root->entries, [](const Entry& entry) {
    return entry.value->is_map() && entry.value->find_entry("extends") != nullptr;
  });
  if (!any) return root;
  NodePtr result = Extender(*root, out, budget).run();
  if (budget.exhausted())
    out.error("config-too-large", root->mark,
              "The configuration is too large once its `extends` are carried out");
  return result;
}

}  // namespace tidegate::config
