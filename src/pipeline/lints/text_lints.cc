// Lints about the text itself: values that YAML reads otherwise, and what nothing uses.
#include <algorithm>
#include <map>
#include <set>
#include <tuple>
#include <unordered_set>

#include <fmt/core.h>

#include "base/text.h"
#include "pipeline/lints/finders.h"

namespace tidegate::pipeline::lints {
namespace {

using config::yaml::Entry;
using config::yaml::Node;

/// Where scalars stand that read otherwise than they are written.
class Altered {
 public:
  explicit Altered(const config::Origins& origins) {
    for (const auto& one : origins.altered) written_.emplace(place_of(one.mark), one.written);
  }
  bool empty() const { return written_.empty(); }
  /// The text as written; nothing when it reads as written.
  const std::string* find(const Node& node) const {
    const auto found = written_.find(place_of(node.mark));
    return found == written_.end() ? nullptr : &found->second;
  }

 private:
  using At = std::tuple<std::string_view, std::uint32_t, std::uint32_t>;
  static At place_of(const config::yaml::Mark& mark) {
    return {mark.file ? std::string_view(*mark.file) : std::string_view(), mark.line, mark.column};
  }
  std::map<At, std::string> written_;
};

void check_scalar(const Altered& altered, const Node& node, const std::string& job, std::string_view what,
                  Warnings& out) {
  const std::string* written = node.is_scalar() ? altered.find(node) : nullptr;
  if (written == nullptr) return;
  out.add(node.mark.place(), job,
          fmt::format("{} is written {} and reads \"{}\": YAML takes it for {}", what,
                      printable(*written, 60), printable(node.text, 60), config::yaml::to_string(node.kind)),
          fmt::format("Quote it: \"{}\".", printable(*written, 60)));
}

void check_variables(const Altered& altered, const Node* variables, const std::string& job, Warnings& out) {
  if (variables == nullptr || !variables->is_map()) return;
  for (const Entry& entry : variables->entries) {
    const std::string what = "Variable " + printable(entry.key, 100);
    check_scalar(altered, *entry.value, job, what, out);
    if (const Node* value = entry.value->find("value")) check_scalar(altered, *value, job, what, out);
  }
}

/// Everything that entries take from others by name.
class Uses {
 public:
  explicit Uses(const Node& tree) {
    std::vector<const Node*> open = {&tree};
    std::unordered_set<const Node*> seen;
    while (!open.empty()) {
      const Node& node = *open.back();
      open.pop_back();
      if (!seen.insert(&node).second) continue;
      if (node.kind == config::yaml::Kind::kReference && !node.items.empty())
        names_.insert(node.items.front()->text);
      for (const auto& item : node.items) open.push_back(item.get());
      for (const Entry& entry : node.entries) {
        if (entry.key == "extends") add(*entry.value);
        open.push_back(entry.value.get());
      }
    }
  }
  bool contains(const std::string& name) const { return names_.contains(name); }

 private:
  void add(const Node& extends) {
    names_.insert(extends.text);
    for (const auto& item : extends.items) names_.insert(item->text);
  }
  std::unordered_set<std::string> names_;
};

/// The lines of the first file in which anchors stand that are used.
std::set<std::uint32_t> lines_with_used_anchors(const config::Origins& origins) {
  std::set<std::uint32_t> lines;
  for (const auto& anchor : origins.anchors)
    if (anchor.uses > 0 && anchor.mark.file && *anchor.mark.file == origins.file)
      lines.insert(anchor.mark.line);
  return lines;
}

}  // namespace

void find_scalar_altered(Subject& subject, Warnings& out) {
  const Altered altered(subject.origins);
  const auto& tree = subject.origins.tree;
  if (altered.empty() || !tree || !tree->is_map()) return;
  check_variables(altered, tree->find("variables"), {}, out);
  for (const Entry& entry : tree->entries) {
    if (!entry.value->is_map()) continue;
    check_variables(altered, entry.value->find("variables"), entry.key, out);
    const Node* rules = entry.value->find("rules");
    if (rules == nullptr || !rules->is_list()) continue;
    for (const auto& rule : rules->items) check_variables(altered, rule->find("variables"), entry.key, out);
  }
}

void find_unused_hidden_job(Subject& subject, Warnings& out) {
  const config::Origins& origins = subject.origins;
  if (!origins.tree || !origins.tree->is_map() || origins.incomplete) return;
  const Uses uses(*origins.tree);
  const auto anchored = lines_with_used_anchors(origins);
  std::set<std::uint32_t> starts;
  for (const Entry& entry : origins.tree->entries)
    if (entry.mark.file && *entry.mark.file == origins.file) starts.insert(entry.mark.line);
  for (const Entry& entry : origins.tree->entries) {
    if (!entry.key.starts_with('.') || uses.contains(entry.key) || !entry.mark.file ||
        *entry.mark.file != origins.file)
      continue;
    const auto next = starts.upper_bound(entry.mark.line);
    const auto anchor = anchored.lower_bound(entry.mark.line);
    if (anchor != anchored.end() && (next == starts.end() || *anchor < *next)) continue;
    out.add(entry.mark.place(), {},
            fmt::format("Nothing uses {}: no extends, no !reference, no alias", printable(entry.key)),
            "Remove it, or take the dot away if it should run.");
  }
}

void find_unused_anchor(Subject& subject, Warnings& out) {
  for (const auto& anchor : subject.origins.anchors)
    if (anchor.uses == 0)
      out.add(
          anchor.mark.place(), {}, fmt::format("No alias means the anchor &{}", printable(anchor.name)),
          "Remove the anchor. (Aliases mean anchors of their own file; across files there is !reference.)");
}

}  // namespace tidegate::pipeline::lints
