#include "config/checks.h"

#include <algorithm>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include <fmt/core.h>

#include "base/text.h"

namespace tidegate::config {
namespace {

constexpr std::size_t kMaxNeeds = 50;

class Checker {
 public:
  Checker(const Definition& definition, Findings& out) : definition_(definition), out_(out) {
    for (std::size_t i = 0; i < definition.jobs.size(); ++i) jobs_.emplace(definition.jobs[i].name, i);
    for (std::size_t i = 0; i < definition.stages.size(); ++i) stages_.emplace(definition.stages[i], i);
  }

  void run() {
    for (const Job& job : definition_.jobs) {
      out_.set_job(job.name);
      check_stage(job);
      if (job.needs) check_needs(job, *job.needs);
      for (const Rule& rule : job.rules.value_or(std::vector<Rule>()))
        if (rule.needs) check_needs(job, *rule.needs);
      check_dependencies(job);
      check_on_stop(job);
    }
    out_.set_job({});
    check_cycles();
  }

 private:
  void check_stage(const Job& job);
  void check_needs(const Job& job, const std::vector<Need>& needs);
  void check_dependencies(const Job& job);
  void check_on_stop(const Job& job);
  void check_cycles();

  const Job* find(const std::string& name) const {
    const auto found = jobs_.find(name);
    return found == jobs_.end() ? nullptr : &definition_.jobs[found->second];
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
  std::string near_job(const std::string& name) {
    return out_.did_you_mean(name, definition_.jobs.size(), [&] {
      std::vector<std::string> names;
      for (const Job& job : definition_.jobs) names.push_back(job.name);
      return names;
    });
  }

  const Definition& definition_;
  Findings& out_;
  std::unordered_map<std::string_view, std::size_t> jobs_;
  std::unordered_map<std::string_view, std::size_t> stages_;
};

void Checker::check_stage(const Job& job) {
  if (stages_.contains(job.stage) || out_.incomplete()) return;
  std::string hint =
      out_.did_you_mean(job.stage, definition_.stages.size(), [&] { return definition_.stages; });
  if (hint.empty()) hint = "Add it to `stages`.";
  error("unknown-stage", job.place,
        fmt::format("{} job: chosen stage {} does not exist; available stages are {}", printable(job.name),
                    printable(job.stage), printable(join(definition_.stages, ", "), 400)),
        std::move(hint));
}

void Checker::check_needs(const Job& job, const std::vector<Need>& needs) {
  if (needs.size() > kMaxNeeds)
    error("too-many-needs", job.place,
          fmt::format("{} job: needs {} jobs, but only {} are allowed", printable(job.name), needs.size(),
                      kMaxNeeds));
  std::unordered_set<std::string_view> seen;
  for (const Need& need : needs) {
    if (!seen.insert(need.job).second)
      error("duplicate-need", need.place,
            fmt::format("{} has the following needs duplicated: {}.", printable(job.name),
                        printable(need.job)));
    const Job* other = find(need.job);
    if (other == nullptr) {
      if (!need.optional && !out_.incomplete())
        error("unknown-need", need.place,
              fmt::format("{} job: undefined need: {}", printable(job.name), printable(need.job)),
              near_job(need.job));
    } else if (is_later(*other, job)) {
      error("need-later", need.place,
            fmt::format("{} job: need {} is not defined in current or prior stages", printable(job.name),
                        printable(need.job)));
    }
  }
}

void Checker::check_dependencies(const Job& job) {
  if (!job.dependencies) return;
  std::string missing;
  for (const std::string& name : *job.dependencies) {
    const Job* other = find(name);
    if (other == nullptr) {
      if (!out_.incomplete())
        error("unknown-dependency", job.place,
              fmt::format("{} job: undefined dependency: {}", printable(job.name), printable(name)),
              near_job(name));
      continue;
    }
    if (is_later(*other, job))
      error("dependency-later", job.place,
            fmt::format("{} job: dependency {} is not defined in current or prior stages",
                        printable(job.name), printable(name)));
    const bool needed = !job.needs || job.needs->empty() ||
                        std::ranges::find(*job.needs, name, &Need::job) != job.needs->end();
    if (!needed) missing += (missing.empty() ? "" : ", ") + printable(name);
  }
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

/// Only jobs of one stage can need each other in a circle. Depth first, without recursion: a chain may be
/// long.
void Checker::check_cycles() {
  enum class Color : std::uint8_t { kNew, kOpen, kDone };
  std::vector<Color> colors(definition_.jobs.size(), Color::kNew);
  struct Step {
    std::size_t job;
    std::size_t next = 0;
  };
  for (std::size_t start = 0; start < colors.size(); ++start) {
    if (colors[start] != Color::kNew) continue;
    std::vector<Step> stack = {{.job = start}};
    colors[start] = Color::kOpen;
    while (!stack.empty()) {
      Step& step = stack.back();
      const Job& job = definition_.jobs[step.job];
      if (!job.needs || step.next >= job.needs->size()) {
        colors[step.job] = Color::kDone;
        stack.pop_back();
        continue;
      }
      const Need& need = (*job.needs)[step.next++];
      const auto found = jobs_.find(need.job);
      if (found == jobs_.end()) continue;
      if (colors[found->second] == Color::kOpen) {
        std::string circle;
        auto from = std::ranges::find(stack, found->second, &Step::job);
        for (; from != stack.end(); ++from)
          circle += printable(definition_.jobs[from->job].name, 60) + " -> ";
        error("needs-cycle", need.place,
              "The pipeline has circular dependencies: " + printable(circle + need.job, 600));
      } else if (colors[found->second] == Color::kNew) {
        colors[found->second] = Color::kOpen;
        stack.push_back({.job = found->second});
      }
    }
  }
}

}  // namespace

void check_definition(const Definition& definition, Findings& out) {
  Checker(definition, out).run();
}

}  // namespace tidegate::config
