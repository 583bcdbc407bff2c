#include "config/instances.h"

#include <algorithm>
#include <optional>
#include <utility>

#include <fmt/core.h>

#include "base/text.h"

namespace tidegate::config {
namespace {

constexpr std::string_view kOpen = "$[[";
constexpr std::string_view kClose = "]]";
constexpr std::string_view kScope = "matrix.";

/// Every combination of a row's values, the last key fastest.
void for_each_cell(const MatrixRow& row, const auto& take) {
  if (std::ranges::any_of(row, [](const MatrixAxis& axis) { return axis.values.empty(); })) return;
  std::vector<std::size_t> at(row.size(), 0);
  while (true) {
    Variables cell;
    for (std::size_t i = 0; i < row.size(); ++i) {
      cell.push_back({.key = row[i].key, .value = row[i].values[at[i]], .description = {}, .options = {}});
    }
    take(std::move(cell));
    std::size_t digit = row.size();
    while (digit > 0 && ++at[digit - 1] == row[digit - 1].values.size()) at[--digit] = 0;
    if (digit == 0) return;
  }
}

std::string cell_name(std::string_view job, const Variables& cell) {
  std::string out = fmt::format("{}: [", job);
  for (std::size_t i = 0; i < cell.size(); ++i) {
    if (i > 0) out += ", ";
    out += cell[i].value;
  }
  return out + "]";
}

std::vector<Instance> expand(std::string_view job, const Parallel& parallel) {
  std::vector<Instance> out;
  for (int i = 1; i <= parallel.count; ++i) {
    out.push_back({.name = fmt::format("{} {}/{}", job, i, parallel.count),
                   .index = i,
                   .total = parallel.count,
                   .variables = {}});
  }
  for (const MatrixRow& row : parallel.matrix) {
    for_each_cell(row, [&](Variables cell) {
      std::string name = cell_name(job, cell);
      out.push_back({.name = std::move(name),
                     .index = static_cast<int>(out.size()) + 1,
                     .total = 1,
                     .variables = std::move(cell)});
    });
  }
  for (Instance& instance : out) instance.total = static_cast<int>(out.size());
  return out;
}

bool is_key(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
}

struct Expression {
  std::size_t begin = 0;
  std::size_t end = 0;
  std::string_view key;
};

/// The next `$[[ matrix.KEY ]]` from `from` on.
std::optional<Expression> find_expression(std::string_view text, std::size_t from) {
  for (auto begin = text.find(kOpen, from); begin != std::string_view::npos;
       begin = text.find(kOpen, begin + 1)) {
    const auto close = text.find(kClose, begin);
    if (close == std::string_view::npos) return std::nullopt;
    auto inside = trim(text.substr(begin + kOpen.size(), close - begin - kOpen.size()));
    if (!inside.starts_with(kScope)) continue;
    inside.remove_prefix(kScope.size());
    if (is_key(inside)) return Expression{.begin = begin, .end = close + kClose.size(), .key = inside};
  }
  return std::nullopt;
}

Result<std::string> with_values(std::string_view text, const Instance& by) {
  std::string out;
  std::size_t done = 0;
  while (const auto found = find_expression(text, done)) {
    const auto value = std::ranges::find(by.variables, found->key, &Variable::key);
    if (value == by.variables.end()) {
      return fail(Errc::kInvalid,
                  fmt::format("'{}' does not exist in matrix configuration", printable(found->key, 60)));
    }
    out += text.substr(done, found->begin - done);
    out += value->value;
    done = found->end;
  }
  return out.append(text.substr(done));
}

Result<Parallel> with_values(const Parallel& parallel, const Instance& by) {
  Parallel out = parallel;
  for (MatrixRow& row : out.matrix) {
    for (MatrixAxis& axis : row) {
      for (std::string& value : axis.values) {
        TG_TRY(value, with_values(value, by));
      }
    }
  }
  return out;
}

}  // namespace

std::size_t instance_count(const Parallel& parallel) {
  auto total = static_cast<std::size_t>(parallel.count);
  for (const MatrixRow& row : parallel.matrix) {
    std::size_t cells = 1;
    bool none = false;
    for (const MatrixAxis& axis : row) {
      none = none || axis.values.empty();
      cells = std::min(cells * axis.values.size(), kMaxParallel + 1);  // no overflow
      cells = std::max<std::size_t>(cells, 1);
    }
    if (!none) total += cells;
    if (total > kMaxParallel) return total;
  }
  return total;
}

bool has_matrix_expression(const Need& need) {
  const auto has = [](const std::string& text) { return find_expression(text, 0).has_value(); };
  if (has(need.job)) return true;
  if (!need.parallel) return false;
  for (const MatrixRow& row : need.parallel->matrix) {
    for (const MatrixAxis& axis : row) {
      if (std::ranges::any_of(axis.values, has)) return true;
    }
  }
  return false;
}

Instances::Instances(const Definition& definition) {
  std::size_t count = 0;
  for (const Job& job : definition.jobs) count += job.parallel ? instance_count(*job.parallel) : 1;
  all_.reserve(count);
  by_name_.reserve(count);
  by_job_.reserve(definition.jobs.size());
  for (const Job& job : definition.jobs) {
    if (!job.parallel) {
      add({.job = &job, .name = job.name, .variables = {}});
      continue;
    }
    by_job_[job.name];
    for (Instance& instance : expand(job.name, *job.parallel)) {
      instance.job = &job;
      add(std::move(instance));
    }
  }
}

void Instances::add(Instance instance) {
  const auto known = by_name_.find(instance.name);
  if (known == by_name_.end()) {
    all_.push_back(std::move(instance));
    by_name_.emplace(all_.back().name, all_.size() - 1);
    by_job_[all_.back().job->name].push_back(all_.size() - 1);
    return;
  }
  Instance& old = all_[known->second];
  if (old.job != instance.job) {
    std::erase(by_job_[old.job->name], known->second);
    by_job_[instance.job->name].push_back(known->second);
  }
  old.job = instance.job;  // the name is equal, and stays where it is
  old.index = instance.index;
  old.total = instance.total;
  old.variables = std::move(instance.variables);
}

const Instance* Instances::find(std::string_view name) const {
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? nullptr : &all_[found->second];
}

std::span<const std::size_t> Instances::of(std::string_view job) const {
  const auto found = by_job_.find(job);
  if (found == by_job_.end()) return {};
  return found->second;
}

Result<std::vector<std::string>> Instances::needed(const Need& need, const Instance& by) const {
  TG_TRY(const auto job, with_values(need.job, by));
  const auto known = by_job_.find(job);
  const bool is_plain = known == by_job_.end() || find(job) != nullptr;
  if (is_plain) return std::vector{job};
  std::vector<std::string> out;
  if (!need.parallel) {
    for (const std::size_t i : known->second) out.push_back(all_[i].name);
    return out;
  }
  TG_TRY(const auto parallel, with_values(*need.parallel, by));
  for (const Instance& instance : expand(job, parallel)) {
    if (std::ranges::find(out, instance.name) == out.end()) out.push_back(instance.name);
  }
  return out;
}

std::vector<std::string> Instances::depended(const std::vector<std::string>& names) const {
  std::vector<std::string> out;
  for (const std::string& name : names) {
    const auto known = by_job_.find(name);
    if (known == by_job_.end() || find(name) != nullptr) {
      out.push_back(name);
      continue;
    }
    for (const std::size_t i : known->second) out.push_back(all_[i].name);
  }
  return out;
}

}  // namespace tidegate::config
