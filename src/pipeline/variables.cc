#include "pipeline/variables.h"

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <map>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "base/text.h"

namespace tidegate::pipeline {
namespace {

constexpr std::size_t kMaxValue = 1U << 20U;
constexpr std::size_t kMaxTotal = 8U << 20U;

bool is_name_start(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
bool is_name_part(char c) {
  return is_name_start(c) || (c >= '0' && c <= '9');
}

std::string_view key_of(const JobVariable* variable) {
  return variable->key;
}

/// A reference in a text: where it begins, how long it is, and the name (empty: $$ or %%).
struct Reference {
  std::size_t at = 0;
  std::size_t length = 0;
  std::string_view name;
};

/// The reference that begins at `at` exactly, if there is one.
std::optional<Reference> reference_at(std::string_view text, std::size_t at, bool doubled) {
  const char sign = text[at];
  if (sign != '$' && sign != '%') return std::nullopt;
  std::size_t start = at + 1;
  if (doubled && start < text.size() && text[start] == sign) {
    return Reference{.at = at, .length = 2, .name = {}};
  }
  const bool braces = sign == '$' && start < text.size() && text[start] == '{';
  if (braces) ++start;
  std::size_t end = start;
  while (end < text.size() && (end == start ? is_name_start(text[end]) : is_name_part(text[end]))) ++end;
  if (end == start) return std::nullopt;
  const std::string_view name = text.substr(start, end - start);
  const bool plain = sign == '$' && !braces;
  if (plain) return Reference{.at = at, .length = end - at, .name = name};
  if (end == text.size() || text[end] != (braces ? '}' : '%')) return std::nullopt;
  return Reference{.at = at, .length = end + 1 - at, .name = name};
}

/// The next reference from `from` on. `doubled`: $$ and %% count (and are skipped as a pair).
std::optional<Reference> next_reference(std::string_view text, std::size_t from, bool doubled) {
  for (std::size_t at = text.find_first_of("$%", from); at != std::string_view::npos;
       at = text.find_first_of("$%", at + 1)) {
    if (auto reference = reference_at(text, at, doubled)) return reference;
  }
  return std::nullopt;
}

/// Replaces each reference by what `value_of` gives; nothing: it stays.
template <class ValueOf>
std::string replace_references(std::string_view text, bool doubled, ValueOf value_of) {
  std::string out;
  std::size_t done = 0;
  for (auto next = next_reference(text, 0, doubled); next; next = next_reference(text, done, doubled)) {
    out += text.substr(done, next->at - done);
    done = next->at + next->length;
    const std::optional<std::string_view> value =
        next->name.empty() || out.size() > kMaxValue ? std::nullopt : value_of(next->name);
    out += value ? *value : text.substr(next->at, next->length);
  }
  out += text.substr(done);
  return out;
}

/// Expands a list in order of dependency. Edges go from a variable to every variable of a name it mentions;
/// a strongly connected component of more than one variable is a cycle, as in GitLab's TSort. Most variables
/// of a job neither mention nor are mentioned: they cost a look each.
class Expansion {
 public:
  Expansion(JobVariables variables, ExpandFor purpose, std::size_t beside)
      : variables_(std::move(variables)),
        purpose_(purpose),
        number_(variables_.size(), 0),
        low_(number_),
        total_(beside),
        name_(variables_.size()) {
    for (const auto& variable : variables_) {
      total_ += variable.value.size();
      if (is_expanded(variable)) note_names(variable.value);
    }
    for (std::size_t i = 0; i < variables_.size(); ++i) {
      const auto found = names_.find(variables_[i].key);
      if (found == names_.end()) continue;
      name_[i] = &found->second;
      found->second.places.push_back(i);
    }
  }

  Result<JobVariables> run() {
    for (std::size_t i = 0; i < variables_.size(); ++i) {
      const bool counts = name_[i] != nullptr || is_expanded(variables_[i]);
      if (counts && number_[i] == 0) TG_CHECK(visit(i));
    }
    return std::move(variables_);
  }

 private:
  /// A name that some value mentions.
  struct Name {
    std::vector<std::size_t> places;  ///< of the variables that are called so
    std::optional<std::size_t> done;  ///< the one that was expanded last
  };
  struct Frame {
    std::size_t item;
    std::vector<std::size_t> children;
    std::size_t next = 0;
  };

  void note_names(std::string_view text) {
    for_each_name(text, [this](std::string_view name) {
      if (!names_.contains(name)) names_.try_emplace(std::string(name));
    });
  }

  std::vector<std::size_t> children_of(std::size_t item) const {
    std::vector<std::size_t> children;
    const auto& variable = variables_[item];
    if (!is_expanded(variable)) return children;
    for_each_name(variable.value, [&](std::string_view name) {
      const auto& places = names_.find(name)->second.places;
      children.insert(children.end(), places.begin(), places.end());
    });
    std::ranges::sort(children);
    children.erase(std::ranges::unique(children).begin(), children.end());
    return children;
  }

  void open(std::size_t item) {
    number_[item] = low_[item] = ++counter_;
    component_.push_back(item);
    frames_.push_back({.item = item, .children = children_of(item)});
  }

  /// Tarjan's algorithm with a stack of its own, so that a long chain cannot exhaust ours.
  Status visit(std::size_t root) {
    open(root);
    while (!frames_.empty()) {
      Frame& frame = frames_.back();
      const std::size_t item = frame.item;
      if (frame.next < frame.children.size()) {
        const std::size_t child = frame.children[frame.next++];
        if (number_[child] == 0) {
          open(child);
        } else {
          low_[item] = std::min(low_[item], number_[child]);  // a closed one has a number beyond all
        }
        continue;
      }
      frames_.pop_back();
      if (!frames_.empty()) low_[frames_.back().item] = std::min(low_[frames_.back().item], low_[item]);
      if (low_[item] == number_[item]) TG_CHECK(close(item));
    }
    return {};
  }

  Status close(std::size_t item) {
    if (component_.back() != item) return cycle(item);
    component_.pop_back();
    number_[item] = low_[item] = kClosed;
    return expand(item);
  }

  Error cycle(std::size_t item) const {
    std::vector<std::string> names;
    for (auto i = component_.rbegin(); i != component_.rend(); ++i) {
      names.push_back('"' + printable(variables_[*i].key, 60) + '"');
      if (*i == item) break;
    }
    std::ranges::reverse(names);
    return fail(Errc::kInvalid, "circular variable reference detected: [" + join(names, ", ") + "]");
  }

  Status expand(std::size_t item) {
    auto& variable = variables_[item];
    if (is_expanded(variable)) {
      const std::size_t before = variable.value.size();
      variable.value =
          replace_references(variable.value, true, [this](std::string_view name) { return value_of(name); });
      total_ += variable.value.size();
      total_ -= before;
      if (variable.value.size() > kMaxValue || total_ > kMaxTotal) {
        return fail(Errc::kInvalid,
                    fmt::format("variable {} expands to more than a megabyte", printable(variable.key, 60)));
      }
    }
    if (name_[item] != nullptr) name_[item]->done = item;
    return {};
  }

  /// Nothing: the reference stays as written.
  std::optional<std::string_view> value_of(std::string_view name) const {
    const auto& done = names_.find(name)->second.done;
    const bool to_runner = purpose_ == ExpandFor::kRunner;
    if (!done) return to_runner ? std::nullopt : std::optional<std::string_view>("");
    const auto& variable = variables_[*done];
    if (to_runner && (variable.file || variable.raw)) return std::nullopt;
    return variable.value;
  }

  static constexpr std::size_t kClosed = static_cast<std::size_t>(-1);

  JobVariables variables_;
  ExpandFor purpose_;
  std::vector<std::size_t> number_;  ///< order of discovery; 0: not seen
  std::vector<std::size_t> low_;
  std::size_t total_;  ///< bytes of all values
  std::size_t counter_ = 0;
  std::vector<Frame> frames_;
  std::vector<std::size_t> component_;
  std::vector<Name*> name_;                         ///< of each variable; nullptr: nobody mentions it
  std::map<std::string, Name, std::less<>> names_;  ///< nodes stay where they are
};

}  // namespace

VariableIndex::VariableIndex(const JobVariables& variables, const VariableIndex* stronger,
                             const VariableIndex* weaker)
    : stronger_(stronger), weaker_(weaker) {
  by_key_.reserve(variables.size());
  for (const auto& variable : variables) by_key_.push_back(&variable);
  std::ranges::sort(by_key_, [](const JobVariable* a, const JobVariable* b) {
    return a->key == b->key ? a < b : a->key < b->key;
  });
}

const JobVariable* VariableIndex::find(std::string_view key) const {
  if (const auto* found = stronger_ == nullptr ? nullptr : stronger_->find(key)) return found;
  const auto after = std::ranges::upper_bound(by_key_, key, {}, key_of);
  if (after != by_key_.begin() && (*std::prev(after))->key == key) return *std::prev(after);
  return weaker_ == nullptr ? nullptr : weaker_->find(key);
}

void VariableIndex::add_all(std::string_view key, std::vector<const JobVariable*>& out) const {
  const auto same = std::ranges::equal_range(by_key_, key, {}, key_of);
  out.insert(out.end(), same.begin(), same.end());
}

bool has_reference(std::string_view text) {
  return text.find_first_of("$%") != std::string_view::npos;
}

bool is_expanded(const JobVariable& variable) {
  return !variable.raw && has_reference(variable.value);
}

void for_each_name(std::string_view text, const std::function<void(std::string_view)>& see) {
  for (auto next = next_reference(text, 0, true); next;
       next = next_reference(text, next->at + next->length, true)) {
    see(next->name);
  }
}

std::string expand_text(std::string_view text, const VariableIndex& variables, Undefined undefined) {
  return replace_references(text, false, [&](std::string_view name) -> std::optional<std::string_view> {
    if (const auto* variable = variables.find(name)) return variable->value;
    return undefined == Undefined::kBlank ? std::optional<std::string_view>("") : std::nullopt;
  });
}

std::string expand_for_runner(std::string_view text, const VariableIndex& variables) {
  return replace_references(text, true, [&](std::string_view name) -> std::optional<std::string_view> {
    const auto* variable = variables.find(name);
    if (variable == nullptr || variable->file) return std::nullopt;
    if (variable->raw && has_reference(variable->value)) return std::nullopt;
    return variable->value;
  });
}

Result<JobVariables> expand_variables(JobVariables variables, ExpandFor purpose, std::size_t beside) {
  if (std::ranges::none_of(variables, is_expanded)) return variables;
  return Expansion(std::move(variables), purpose, beside).run();
}

void merge_variables(config::Variables& weaker, const config::Variables& stronger) {
  if (stronger.empty()) return;
  std::unordered_map<std::string, std::size_t> places;
  for (std::size_t i = 0; i < weaker.size(); ++i) places.emplace(weaker[i].key, i);
  for (const auto& variable : stronger) {
    const auto [place, is_new] = places.emplace(variable.key, weaker.size());
    if (is_new) {
      weaker.push_back(variable);
    } else {
      weaker[place->second] = variable;
    }
  }
}

void add_report_variables(JobMessage& message, JobVariables report) {
  auto& variables = message.variables;
  const std::size_t above = std::min(message.overriding, variables.size());
  variables.insert(variables.end() - static_cast<std::ptrdiff_t>(above),
                   std::make_move_iterator(report.begin()), std::make_move_iterator(report.end()));
}

JobVariables to_job_variables(const config::Variables& variables) {
  JobVariables out;
  out.reserve(variables.size());
  for (const auto& variable : variables) {
    out.push_back({.key = variable.key, .value = variable.value, .raw = !variable.expand});
  }
  return out;
}

}  // namespace tidegate::pipeline
