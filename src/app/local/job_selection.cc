#include "app/local/job_selection.h"

#include <algorithm>

#include <fmt/core.h>

#include "base/text.h"

namespace tidegate::app {

namespace {

const pipeline::PlannedJob* find(const pipeline::Plan& plan, const std::string& name) {
  const auto found = std::ranges::find(plan.jobs, name, &pipeline::PlannedJob::name);
  return found == plan.jobs.end() ? nullptr : &*found;
}

Error unknown(const pipeline::Plan& plan, const std::string& name) {
  std::vector<std::string> names;
  for (const pipeline::PlannedJob& job : plan.jobs) names.push_back(job.name);
  const auto near = nearest(name, names);
  return fail(Errc::kNotFound, fmt::format("there is no job \"{}\"{}", printable(name),
                                           near ? fmt::format("; did you mean \"{}\"?", *near) : ""));
}

class Closure {
 public:
  explicit Closure(const pipeline::Plan& plan) : plan_(plan) {}

  void add(const pipeline::PlannedJob& job) {
    if (!chosen.insert(job.name).second) return;
    if (job.needs) {
      for (const pipeline::PlannedNeed& need : *job.needs) {
        if (const auto* needed = find(plan_, need.job); needed != nullptr && needed->created) add(*needed);
      }
      return;
    }
    const auto stage = std::ranges::find(plan_.stages, job.stage);
    for (const pipeline::PlannedJob& other : plan_.jobs) {
      const bool earlier = std::ranges::find(plan_.stages, other.stage) < stage;
      if (earlier && other.created && other.when != config::When::kManual) add(other);
    }
  }

  std::set<std::string> chosen;

 private:
  const pipeline::Plan& plan_;
};

}  // namespace

Result<std::set<std::string>> select_jobs(const pipeline::Plan& plan, const std::vector<std::string>& names) {
  Closure closure(plan);
  if (names.empty()) {
    for (const pipeline::PlannedJob& job : plan.jobs) {
      if (job.created) closure.chosen.insert(job.name);
    }
  }
  for (const std::string& name : names) {
    const pipeline::PlannedJob* job = find(plan, name);
    if (job == nullptr) return unknown(plan, name);
    if (!job->created) {
      return fail(Errc::kInvalid,
                  fmt::format("the job \"{}\" is not in this pipeline: {}", printable(name), job->reason));
    }
    closure.add(*job);
  }
  return closure.chosen;
}

}  // namespace tidegate::app
