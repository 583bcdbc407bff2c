#include "pipeline/variable_scope.h"

#include <functional>
#include <string>
#include <unordered_set>
#include <utility>

namespace tidegate::pipeline {
namespace {

std::size_t bytes_of(const JobVariables& variables) {
  std::size_t bytes = 0;
  for (const auto& variable : variables) bytes += variable.value.size();
  return bytes;
}

}  // namespace

SharedVariables::SharedVariables(JobVariables list)
    : list_(std::move(list)), index_(list_), bytes_(bytes_of(list_)) {
  for (const auto& variable : list_) {
    if (is_expanded(variable)) referring_.push_back(&variable);
  }
}

VariableScope::VariableScope(JobVariables own) : own_(std::move(own)), plain_(own_) {}

VariableScope::VariableScope(const SharedVariables& weaker, JobVariables own, const SharedVariables& stronger)
    : weaker_(&weaker),
      stronger_(&stronger),
      own_(std::move(own)),
      plain_(own_, &stronger.index(), &weaker.index()) {}

std::size_t VariableScope::bytes() const {
  return bytes_of(own_) + (weaker_ != nullptr ? weaker_->bytes() : 0) +
         (stronger_ != nullptr ? stronger_->bytes() : 0);
}

/// All variables of a name, weakest first.
void VariableScope::add_named(std::string_view name, std::vector<const JobVariable*>& out) const {
  if (weaker_ != nullptr) weaker_->index().add_all(name, out);
  plain_.add_all(name, out);
  if (stronger_ != nullptr) stronger_->index().add_all(name, out);
}

/// The variables that mention others or are mentioned, and all of the same names. The order is that of names
/// as they are found, and of strength within a name: expansion does not ask for more.
std::vector<const JobVariable*> VariableScope::related() const {
  std::vector<std::string_view> names;
  std::unordered_set<std::string_view> seen;
  const auto add = [&](std::string_view name) {
    if (seen.insert(name).second) names.push_back(name);
  };
  if (weaker_ != nullptr) {
    for (const auto* variable : weaker_->referring()) add(variable->key);
  }
  for (const auto& variable : own_) {
    if (is_expanded(variable)) add(variable.key);
  }
  if (stronger_ != nullptr) {
    for (const auto* variable : stronger_->referring()) add(variable->key);
  }
  std::vector<const JobVariable*> out;
  for (std::size_t next = 0; next < names.size(); ++next) {
    const std::size_t first = out.size();
    add_named(names[next], out);
    for (std::size_t i = first; i < out.size(); ++i) {
      if (is_expanded(*out[i])) for_each_name(out[i]->value, add);
    }
  }
  return out;
}

Result<const VariableIndex*> VariableScope::expand(std::optional<Expanded>& out, ExpandFor purpose) const {
  if (out) return &out->index;
  std::vector<const JobVariable*> from = related();
  JobVariables list;
  list.reserve(from.size());
  std::size_t beside = bytes();
  for (const auto* variable : from) {
    list.push_back(*variable);
    beside -= variable->value.size();
  }
  TG_TRY(list, expand_variables(std::move(list), purpose, beside));
  auto& expanded = out.emplace(Expanded{.from = std::move(from), .list = std::move(list), .index = {}});
  expanded.index = VariableIndex(expanded.list, nullptr, &plain_);
  return &expanded.index;
}

/// In the list of all, weakest first.
std::size_t VariableScope::place_of(const JobVariable* variable) const {
  std::size_t before = 0;
  for (const JobVariables* list : {weaker_ != nullptr ? &weaker_->list() : nullptr, &own_,
                                   stronger_ != nullptr ? &stronger_->list() : nullptr}) {
    if (list == nullptr) continue;
    const std::less<> less;
    const bool inside = !less(variable, list->data()) && less(variable, list->data() + list->size());
    if (inside) return before + static_cast<std::size_t>(variable - list->data());
    before += list->size();
  }
  return before;
}

Result<JobVariables> VariableScope::list_for_runner() {
  TG_CHECK(expand(for_runner_, ExpandFor::kRunner));
  JobVariables out;
  out.reserve(own_.size() + (weaker_ != nullptr ? weaker_->list().size() + stronger_->list().size() : 0));
  if (weaker_ != nullptr) out = weaker_->list();
  out.insert(out.end(), own_.begin(), own_.end());
  if (stronger_ != nullptr) out.insert(out.end(), stronger_->list().begin(), stronger_->list().end());
  for (std::size_t i = 0; i < for_runner_->from.size(); ++i)
    out[place_of(for_runner_->from[i])] = for_runner_->list[i];
  return out;
}

}  // namespace tidegate::pipeline
