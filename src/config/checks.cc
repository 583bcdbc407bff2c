#include "config/checks.h"

#include <algorithm>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include <fmt/core.h>

#include "base/text.h"
#include "config/instances.h"

namespace tidegate::config {
namespace {

constexpr std::size_t kMaxNeeds = 50;
/// Where counting the needs of one job stops: far too many are as wrong as too many.
constexpr std::size_t kMostTargets = 1'000;

class Checker {
 public:
  Checker(const Definition& definition, Findings& out)
      : definition_(definition), out_(out), instances_(definition) {
    for (std::size_t i = 0; i < definition.stages.size(); ++i) stages_.emplace(definition.stages[i], i);
    stage_list_ = printable(join(definition.stages, ", "), 400);
  }

  void run() {
    for (const Job& job : definition_.jobs) {
      out_.set_job(job.name);
      check_stage(job);
      if (job.needs) check_needs_of(job);
      if (job.rules) {
        for (const Rule& rule : *job.rules)
          if (rule.needs) check_rule_needs(job, *rule.needs);
      }
      check_dependencies(job);
      check_on_stop(job);
    }
    out_.set_job({});
    check_cycles();
  }

 private:
  /// A job that is needed, by its name in the pipeline.
  struct Target {
    std::string name;
    const Need* need = nullptr;
  };

  void check_stage(const Job& job);
  void check_needs_of(const Job& job);
  void check_rule_needs(const Job& job, const std::vector<Need>& needs);
  void check_targets(const Job& job, const std::string& name, const std::vector<Target>& targets);
  void check_dependencies(const Job& job);
  void check_dependencies_are_needed(const Job& job);
  void check_on_stop(const Job& job);
  void check_cycles();
  struct Edge {
    std::size_t to = 0;  ///< index into instances_
    const Need* need = nullptr;
  };
  /// The jobs that this one needs; those elsewhere and unknown ones left out.
  std::vector<Edge> edges(const Instance& instance) const;

  const Job* find(const std::string& name) const {
    const Instance* instance = instances_.find(name);
    return instance == nullptr ? nullptr : instance->job;
  }
  bool is_later(const Job& other, const Job& than) const {
    const auto a = stages_.find(other.stage);
    const auto b = stages_.find(than.stage);
    return a != stages_.end() && b != stages_.end() && a->second > b->second;
  }
  void error(std::string code, const Place& place, std::string message, std::string hint = {}) {
    out_.add({.severity = Severity::kError,
              .code = std::move(code),
              .message = std::move(message),
              .place = place,
              .hint = std::move(hint)});
  }
  /// What to write instead of a name that no job has.
  std::string near_job(const std::string& name) {
    if (const auto instances = instances_.of(name); !instances.empty())
      return fmt::format("It has `parallel`: here its instances are named, like \"{}\".",
                         printable(instances_.all()[instances.front()].name, 100));
    return out_.did_you_mean(name, instances_.all().size(), [&] {
      std::vector<std::string> names;
      for (const Instance& instance : instances_.all()) names.push_back(instance.name);
      return names;
    });
  }

  const Definition& definition_;
  Findings& out_;
  Instances instances_;
  std::unordered_map<std::string_view, std::size_t> stages_;
  std::string stage_list_;  ///< for messages
};

void Checker::check_stage(const Job& job) {
  if (stages_.contains(job.stage) || out_.incomplete()) return;
  std::string hint =
      out_.did_you_mean(job.stage, definition_.stages.size(), [&] { return definition_.stages; });
  if (hint.empty()) hint = "Add it to `stages`.";
  error("unknown-stage", job.place,
        fmt::format("{} job: chosen stage {} does not exist; available stages are {}", printable(job.name),
                    printable(job.stage), stage_list_),
        std::move(hint));
}

void Checker::check_needs_of(const Job& job) {
  // Instances differ only where a need says so; else the first speaks for all.
  const bool each = std::ranges::any_of(*job.needs, has_matrix_expression);
  for (const std::size_t i : instances_.of(job.name)) {
    const Instance& instance = instances_.all()[i];
    std::vector<Target> targets;
    for (const Need& need : *job.needs) {
      if (need.elsewhere()) continue;
      auto names = instances_.needed(need, instance);
      if (!names) {
        error("unknown-matrix-key", need.place,
              fmt::format("{} job: {}", printable(job.name), names.error().message),
              job.parallel ? "Only keys of the job's own `parallel:matrix` can stand there."
                           : "Only a job with `parallel:matrix` of its own can use matrix expressions.");
        return;
      }
      for (std::string& name : *names) targets.push_back({.name = std::move(name), .need = &need});
      if (targets.size() > kMostTargets) break;
    }
    check_targets(job, each ? instance.name : job.name, targets);
    if (!each) return;
  }
}

// GitLab does not take `parallel` apart in rules: there a need is a job's whole name.
void Checker::check_rule_needs(const Job& job, const std::vector<Need>& needs) {
  std::vector<Target> targets;
  for (const Need& need : needs)
    if (!need.elsewhere()) targets.push_back({.name = need.job, .need = &need});
  check_targets(job, job.name, targets);
}

void Checker::check_targets(const Job& job, const std::string& name, const std::vector<Target>& targets) {
  if (targets.size() > kMaxNeeds)
    error("too-many-needs", job.place,
          fmt::format("{} job: needs {}{} jobs, but only {} are allowed", printable(name),
                      targets.size() > kMostTargets ? "more than " : "",
                      std::min(targets.size(), kMostTargets), kMaxNeeds));
  std::unordered_set<std::string_view> seen;
  for (const Target& target : targets) {
    const Need& need = *target.need;
    if (!seen.insert(target.name).second)
      error(
          "duplicate-need", need.place,
          fmt::format("{} has the following needs duplicated: {}.", printable(name), printable(target.name)));
    const Job* other = find(target.name);
    if (other == nullptr) {
      if (!need.optional && !out_.incomplete())
        error("unknown-need", need.place,
              fmt::format("{} job: undefined need: {}", printable(name), printable(target.name)),
              near_job(target.name));
    } else if (is_later(*other, job)) {
      error("need-later", need.place,
            fmt::format("{} job: need {} is not defined in current or prior stages", printable(name),
                        printable(target.name)));
    }
  }
}

void Checker::check_dependencies(const Job& job) {
  if (!job.dependencies) return;
  for (const std::string& name : instances_.depended(*job.dependencies)) {
    const Job* other = find(name);
    if (other == nullptr) {
      if (!out_.incomplete())
        error("unknown-dependency", job.place,
              fmt::format("{} job: undefined dependency: {}", printable(job.name), printable(name)),
              near_job(name));
    } else if (is_later(*other, job)) {
      error("dependency-later", job.place,
            fmt::format("{} job: dependency {} is not defined in current or prior stages",
                        printable(job.name), printable(name)));
    }
  }
  if (job.needs && !job.needs->empty()) check_dependencies_are_needed(job);
}

// Names as written, on both sides: GitLab compares them before it takes `parallel` apart.
void Checker::check_dependencies_are_needed(const Job& job) {
  const auto is_needed = [&](const std::string& name) {
    return std::ranges::any_of(*job.needs,
                               [&](const Need& need) { return !need.elsewhere() && need.job == name; });
  };
  std::string missing;
  for (const std::string& name : *job.dependencies)
    if (!is_needed(name)) missing += (missing.empty() ? "" : ", ") + printable(name);
  if (!missing.empty())
    error("dependency-not-needed", job.place,
          fmt::format("jobs:{} dependencies the {} should be part of needs", printable(job.name), missing));
}

void Checker::check_on_stop(const Job& job) {
  if (!job.environment || job.environment->on_stop.empty() || out_.incomplete()) return;
  const std::string& name = job.environment->on_stop;
  const Job* stop = find(name);
  std::string what;
  if (stop == nullptr) {
    what = "is not defined";
  } else if (!stop->environment) {
    what = "does not have environment defined";
  } else if (stop->environment->name != job.environment->name) {
    what = "have different environment name";
  } else if (stop->environment->action != "stop") {
    what = "needs to have action stop defined";
  }
  if (!what.empty())
    error("invalid-on-stop", job.place,
          fmt::format("{} job: on_stop job {} {}", printable(job.name), printable(name), what));
}

std::vector<Checker::Edge> Checker::edges(const Instance& instance) const {
  std::vector<Edge> out;
  if (!instance.job->needs) return out;
  for (const Need& need : *instance.job->needs) {
    if (need.elsewhere() || out.size() > kMostTargets) continue;
    const Instance* plain = need.parallel ? nullptr : instances_.find(need.job);
    if (plain != nullptr && plain->job->stage != instance.job->stage) continue;  // there is no way back
    const auto names = instances_.needed(need, instance);
    if (!names) continue;
    for (const std::string& name : *names)
      if (const Instance* target = instances_.find(name))
        out.push_back({.to = static_cast<std::size_t>(target - instances_.all().data()), .need = &need});
  }
  return out;
}

/// Only jobs of one stage can need each other in a circle. Depth first, without recursion: a chain may be
/// long.
void Checker::check_cycles() {
  enum class Color : std::uint8_t { kNew, kOpen, kDone };
  const auto& all = instances_.all();
  std::vector<Color> colors(all.size(), Color::kNew);
  struct Step {
    std::size_t job;
    std::vector<Edge> needs;
    std::size_t next = 0;
  };
  for (std::size_t start = 0; start < colors.size(); ++start) {
    if (colors[start] != Color::kNew) continue;
    std::vector<Step> stack;
    stack.push_back({.job = start, .needs = edges(all[start])});
    colors[start] = Color::kOpen;
    while (!stack.empty()) {
      Step& step = stack.back();
      if (step.next >= step.needs.size()) {
        colors[step.job] = Color::kDone;
        stack.pop_back();
        continue;
      }
      const auto [next, need] = step.needs[step.next++];
      if (colors[next] == Color::kOpen) {
        std::string circle;
        auto from = std::ranges::find(stack, next, &Step::job);
        for (; from != stack.end(); ++from) circle += printable(all[from->job].name, 60) + " -> ";
        error("needs-cycle", need->place,
              "The pipeline has circular dependencies: " + printable(circle + all[next].name, 600));
      } else if (colors[next] == Color::kNew) {
        colors[next] = Color::kOpen;
        stack.push_back({.job = next, .needs = edges(all[next])});
      }
    }
  }
}

}  // namespace

void check_definition(const Definition& definition, Findings& out) {
  std::size_t instances = 0;
  for (const Job& job : definition.jobs)
    if (job.parallel) instances += instance_count(*job.parallel);
  if (instances > kMaxInstances) {
    out.add({.severity = Severity::kError,
             .code = "too-many-jobs",
             .message = fmt::format("`parallel` makes {} jobs in all; at most {} are allowed", instances,
                                    kMaxInstances),
             .place = definition.jobs.front().place,
             .hint = "Split the configuration, or take values out of the matrices."});
    return;
  }
  Checker(definition, out).run();
}

}  // namespace tidegate::config
