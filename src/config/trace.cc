// The way of a faulty text into a job: extends, !reference, default, alias; then the includes above it.
#include <algorithm>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include <fmt/core.h>

#include "base/text.h"
#include "config/origins.h"

namespace tidegate::config {
namespace {

using yaml::Entry;
using yaml::Node;

// Of the nodes of one entry that are searched for references. Beyond, the way stays untold.
constexpr std::size_t kMostNodes = 20'000;
// Of all searches together; beyond, ways stay untold: a hostile file has many entries and many findings.
constexpr std::size_t kMostWork = 2'000'000;
constexpr std::size_t kMostHops = 20;

/// The entry of the top level that a place lies in, by the places where entries and their keywords begin.
class Owners {
 public:
  explicit Owners(const Node& tree) {
    for (const Entry& entry : tree.entries) {
      add(entry.mark, entry.key);
      for (const Entry& keyword : entry.value->entries) add(keyword.mark, {});
    }
    for (auto& [file, starts] : starts_) {
      std::ranges::sort(starts, {},
                        [](const Start& start) { return std::pair(start.line, start.owner.empty()); });
      std::string_view owner;
      for (Start& start : starts) {
        if (!start.owner.empty()) owner = start.owner;
        start.owner = owner;
      }
    }
  }

  std::string_view find(const Place& place) const {
    const auto found = starts_.find(place.file);
    if (found == starts_.end()) return {};
    const auto& starts = found->second;
    const auto after = std::ranges::upper_bound(starts, place.line, {}, &Start::line);
    return after == starts.begin() ? std::string_view() : (after - 1)->owner;
  }

 private:
  struct Start {
    std::uint32_t line = 0;
    std::string_view owner;
  };
  void add(const yaml::Mark& mark, std::string_view owner) {
    if (mark.file) starts_[*mark.file].push_back({.line = mark.line, .owner = owner});
  }

  std::unordered_map<std::string_view, std::vector<Start>> starts_;
};

/// Breadth first from a job over what its text takes from other entries.
class Ways {
 public:
  explicit Ways(const Node& tree) : tree_(tree), owners_(tree) {}

  std::vector<Hop> to(std::string_view job, const Place& place) {
    const std::string_view owner = owners_.find(place);
    if (owner.empty() || owner == job || tree_.find_entry(job) == nullptr) return {};
    std::vector<Step> steps = {{.name = job, .from = 0, .hop = {}}};
    std::unordered_set<std::string_view> seen = {job};
    for (std::size_t i = 0; i < steps.size() && spend(1); ++i) {
      if (steps[i].name == owner) return unwind(steps, i);
      for (const Link& link : links_of(steps[i].name))
        if (seen.insert(link.first).second)
          steps.push_back({.name = link.first, .from = i, .hop = link.second});
    }
    if (left_ == 0) return {};
    if (owner == "default") return {{.what = "default", .place = {}}};
    return {{.what = "the text of " + printable(owner, 100), .place = {}}};
  }

 private:
  using Link = std::pair<std::string_view, Hop>;
  struct Step {
    std::string_view name;
    std::size_t from = 0;
    Hop hop;
  };

  static std::vector<Hop> unwind(const std::vector<Step>& steps, std::size_t at) {
    std::vector<Hop> hops;
    for (; at != 0 && hops.size() < kMostHops; at = steps[at].from) hops.push_back(steps[at].hop);
    std::ranges::reverse(hops);
    return hops;
  }

  const std::vector<Link>& links_of(std::string_view name) {
    const auto [at, fresh] = links_.try_emplace(name);
    std::vector<Link>& links = at->second;
    if (!fresh) return links;
    const Entry* entry = tree_.find_entry(name);
    if (entry == nullptr) return links;
    if (const Node* extends = entry->value->find("extends")) {
      add_extends(*extends, links);
      for (const yaml::NodePtr& item : extends->items) add_extends(*item, links);
    }
    add_references(*entry->value, links);
    return links;
  }

  static void add_extends(const Node& name, std::vector<Link>& links) {
    if (!name.is_string()) return;
    links.push_back(
        {name.text, {.what = "extends " + printable(name.text, 100), .place = name.mark.place()}});
  }

  bool spend(std::size_t work) {
    left_ -= std::min(left_, work);
    return left_ > 0;
  }

  void add_references(const Node& root, std::vector<Link>& links) {
    std::vector<const Node*> open = {&root};
    for (std::size_t left = kMostNodes; !open.empty() && left > 0 && spend(1); --left) {
      const Node& node = *open.back();
      open.pop_back();
      if (node.kind == yaml::Kind::kReference) {
        if (node.items.empty() || !node.items.front()->is_string()) continue;
        std::string path;
        for (const auto& item : node.items) path += (path.empty() ? "" : ", ") + printable(item->text, 60);
        links.push_back({node.items.front()->text,
                         {.what = fmt::format("!reference [{}]", path), .place = node.mark.place()}});
        continue;
      }
      for (const auto& item : node.items) open.push_back(item.get());
      for (const Entry& entry : node.entries) open.push_back(entry.value.get());
    }
  }

  const Node& tree_;
  Owners owners_;
  std::unordered_map<std::string_view, std::vector<Link>> links_;
  std::size_t left_ = kMostWork;
};

void add_includes(Diagnostic& found, const Origins& origins) {
  std::string file = found.place.file;
  while (file != origins.file && found.via.size() < kMostHops) {
    const auto include = origins.included_at.find(file);
    if (include == origins.included_at.end()) return;
    found.via.push_back({.what = "include of " + printable(file, 200), .place = include->second});
    file = include->second.file;
  }
}

}  // namespace

void trace(Diagnostics& diagnostics, const Origins& origins) {
  if (diagnostics.empty()) return;
  std::optional<Ways> ways;
  for (Diagnostic& found : diagnostics) {
    if (!found.via.empty()) continue;
    if (origins.tree && origins.tree->is_map() && !found.job.empty()) {
      if (!ways) ways.emplace(*origins.tree);
      found.via = ways->to(found.job, found.place);
    }
    add_includes(found, origins);
  }
}

}  // namespace tidegate::config
