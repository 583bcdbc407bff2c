// Which jobs a job waits for, and whose artifacts it gets.
#include <algorithm>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include <fmt/format.h>

#include "base/text.h"
#include "pipeline/draft.h"

namespace tidegate::pipeline {
namespace {

constexpr std::size_t kMaxNeeds = 50;
constexpr std::size_t kMaxDependencies = 500'000;

using ByName = std::unordered_map<std::string_view, std::size_t>;

ByName index_by_name(const std::vector<Draft>& drafts) {
  ByName out;
  out.reserve(drafts.size());
  for (std::size_t i = 0; i < drafts.size(); ++i) out.emplace(drafts[i].planned.name, i);
  return out;
}

void report(config::Diagnostics& diagnostics, std::string code, const config::Place& place,
            std::string message, std::string hint) {
  diagnostics.push_back({.severity = config::Severity::kError,
                         .code = std::move(code),
                         .message = std::move(message),
                         .place = place,
                         .hint = std::move(hint)});
}

void report_missing(const Draft& draft, const config::Need& need, const std::string& name,
                    const Draft* target, config::Diagnostics& diagnostics) {
  std::string message = fmt::format("'{}' job needs '{}' job, but it was not added to the pipeline",
                                    printable(draft.planned.name, 100), printable(name, 100));
  if (target != nullptr) message += " (" + target->planned.reason + ")";
  report(diagnostics, "need-missing", need.place.line != 0 ? need.place : draft.planned.place,
         std::move(message), "write {job: …, optional: true} when the job may be absent");
}

struct NamedNeed {
  std::string job;
  const config::Need* need = nullptr;
};

/// Needs in this pipeline, each by the name of one job. Matrix expressions have been checked by config.
std::vector<NamedNeed> named_needs(const Draft& draft, const config::Instances& instances) {
  std::vector<NamedNeed> out;
  for (const auto& need : *draft.needs) {
    if (need.elsewhere()) continue;
    if (draft.needs_of_rule) {
      out.push_back({.job = need.job, .need = &need});
    } else if (auto names = instances.needed(need, *draft.instance)) {
      for (std::string& name : *names) out.push_back({.job = std::move(name), .need = &need});
    }
  }
  return out;
}

void resolve_one(Draft& draft, const std::vector<Draft>& drafts, const ByName& names,
                 const config::Instances& instances, config::Diagnostics& diagnostics) {
  const auto wanted = named_needs(draft, instances);
  if (wanted.size() > kMaxNeeds) {
    report(diagnostics, "too-many-needs", draft.planned.place,
           fmt::format("{}: one job can only need {} others, but you have listed {}",
                       printable(draft.planned.name, 100), kMaxNeeds, wanted.size()),
           "let the job wait for a stage instead");
    return;
  }
  auto& planned = draft.planned.needs.emplace();
  for (const auto& [name, need] : wanted) {
    const auto found = names.find(name);
    const Draft* target = found == names.end() ? nullptr : &drafts[found->second];
    if (target != nullptr && target->planned.created) {
      const bool is_new = std::ranges::find(planned, name, &PlannedNeed::job) == planned.end();
      if (is_new) planned.push_back({.job = name, .artifacts = need->artifacts, .optional = need->optional});
    } else if (!need->optional) {
      report_missing(draft, *need, name, target, diagnostics);
    }
  }
}

/// The needs of a draft; none also when it goes by stage.
std::span<const PlannedNeed> needs_of(const Draft& draft) {
  if (draft.planned.needs) return *draft.planned.needs;
  return {};
}

/// Takes away jobs that wait for nobody, again and again; who remains is in a cycle or behind one.
void report_cycle(const std::vector<Draft>& drafts, const ByName& names, config::Diagnostics& diagnostics) {
  std::vector<std::size_t> waits_for(drafts.size(), 0);
  std::vector<std::vector<std::size_t>> waited_for_by(drafts.size());
  std::vector<std::size_t> ready;
  std::size_t left = 0;
  for (std::size_t i = 0; i < drafts.size(); ++i) {
    if (!drafts[i].planned.created) continue;
    ++left;
    waits_for[i] = needs_of(drafts[i]).size();
    for (const auto& need : needs_of(drafts[i])) waited_for_by[names.at(need.job)].push_back(i);
    if (waits_for[i] == 0) ready.push_back(i);
  }
  while (!ready.empty()) {
    const std::size_t i = ready.back();
    ready.pop_back();
    --left;
    for (const auto j : waited_for_by[i]) {
      if (--waits_for[j] == 0) ready.push_back(j);
    }
  }
  if (left == 0) return;
  std::size_t at = 0;
  while (!drafts[at].planned.created || waits_for[at] == 0) ++at;
  std::vector<std::string> path;
  std::unordered_set<std::size_t> seen;
  while (seen.insert(at).second) {  // follow needs that cannot be met until a job comes back
    path.push_back(printable(drafts[at].planned.name, 60));
    for (const auto& need : needs_of(drafts[at])) {
      const std::size_t next = names.at(need.job);
      if (waits_for[next] == 0) continue;
      at = next;
      break;
    }
  }
  path.push_back(printable(drafts[at].planned.name, 60));
  report(diagnostics, "needs-cycle", drafts[at].planned.place,
         "needs go round in a circle: " + printable(join(path, " → "), 400), "take one of them away");
}

bool hands_on_artifacts(const config::Job& job) {
  if (!job.publish.empty()) return true;
  if (!job.artifacts) return false;
  const auto& artifacts = *job.artifacts;
  return artifacts.untracked || !artifacts.paths.empty() || !artifacts.reports.dotenv.empty();
}

JobDependency to_dependency(const Draft& draft) {
  const config::Job& job = *draft.job;
  const bool archive =
      !job.publish.empty() || (job.artifacts && (job.artifacts->untracked || !job.artifacts->paths.empty()));
  return {.id = {}, .name = draft.planned.name, .token = {}, .has_artifacts = archive};
}

/// Names a job's `dependencies` allow; nothing: all.
std::optional<std::unordered_set<std::string_view>> allowed(const PlannedJob& job) {
  if (!job.dependencies) return std::nullopt;
  return std::unordered_set<std::string_view>(job.dependencies->begin(), job.dependencies->end());
}

}  // namespace

void resolve_needs(std::vector<Draft>& drafts, const config::Instances& instances,
                   config::Diagnostics& diagnostics) {
  const ByName names = index_by_name(drafts);
  for (auto& draft : drafts) {
    if (draft.planned.created && draft.needs != nullptr) {
      resolve_one(draft, drafts, names, instances, diagnostics);
    }
  }
  if (!config::has_errors(diagnostics)) report_cycle(drafts, names, diagnostics);
}

void resolve_dependencies(std::vector<Draft>& drafts, config::Diagnostics& diagnostics) {
  const ByName names = index_by_name(drafts);
  std::vector<std::size_t> givers;  // jobs with artifacts, in order of stages
  for (std::size_t i = 0; i < drafts.size(); ++i) {
    if (drafts[i].planned.created && hands_on_artifacts(*drafts[i].job)) givers.push_back(i);
  }
  std::size_t total = 0;
  for (auto& draft : drafts) {
    if (!draft.planned.created) continue;
    std::vector<std::size_t> from;
    const auto only = allowed(draft.planned);
    if (draft.planned.needs) {
      for (const auto& need : *draft.planned.needs) {
        if (need.artifacts && (!only || only->contains(need.job))) from.push_back(names.at(need.job));
      }
    } else if (only) {
      for (const auto name : *only) {
        const auto found = names.find(name);
        if (found != names.end() && drafts[found->second].planned.created) from.push_back(found->second);
      }
    } else {
      const auto end =
          std::ranges::lower_bound(givers, draft.stage, {}, [&](std::size_t i) { return drafts[i].stage; });
      from.assign(givers.begin(), end);
    }
    total += from.size();
    if (total > kMaxDependencies) {
      report(diagnostics, "too-many-dependencies", draft.planned.place,
             fmt::format("the jobs of this pipeline would get artifacts of others more than {} times",
                         kMaxDependencies),
             "say in `needs` or `dependencies` whose artifacts a job wants");
      return;
    }
    std::ranges::sort(from);
    for (const auto i : from) draft.planned.message.dependencies.push_back(to_dependency(drafts[i]));
  }
}

}  // namespace tidegate::pipeline
