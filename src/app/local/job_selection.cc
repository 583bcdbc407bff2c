#include "app/local/job_selection.h"

#include <algorithm>
#include <map>

#include <fmt/core.h>

#include "base/text.h"

namespace tidegate::app {

namespace {

using pipeline::PlannedJob;

class Chooser {
 public:
  Chooser(const pipeline::Plan& plan, const JobChoice& choice) : plan_(plan), choice_(choice) {
    for (const PlannedJob& job : plan.jobs) by_name_.emplace(job.name, &job);
    for (std::size_t i = 0; i < plan.stages.size(); ++i) stage_.emplace(plan.stages[i], i);
  }

  Result<ChosenJobs> choose() {
    if (choice_.jobs.empty()) {
      for (const PlannedJob& job : plan_.jobs) {
        if (job.created) chosen_.jobs.insert(job.name);
      }
    }
    for (const std::string& name : choice_.jobs) TG_CHECK(add_named(name, false));
    for (const std::string& name : choice_.manual) TG_CHECK(add_named(name, true));
    return std::move(chosen_);
  }

 private:
  Result<std::vector<const PlannedJob*>> find(const std::string& name) const {
    if (const auto found = by_name_.find(name); found != by_name_.end()) return std::vector{found->second};
    std::vector<const PlannedJob*> parts;
    std::vector<const PlannedJob*> left_out;
    for (const PlannedJob& job : plan_.jobs) {
      if (job.written == name) (job.created ? parts : left_out).push_back(&job);
    }
    if (!parts.empty() || !left_out.empty()) return parts.empty() ? left_out : parts;
    std::vector<std::string> names;
    for (const PlannedJob& job : plan_.jobs) names.push_back(job.name);
    const auto near = nearest(name, names);
    return fail(Errc::kNotFound, fmt::format("there is no job \"{}\"{}", printable(name),
                                             near ? fmt::format("; did you mean \"{}\"?", *near)
                                                  : " (tidegate list shows them)"));
  }

  Status add_named(const std::string& name, bool must_be_manual) {
    TG_TRY(const auto jobs, find(name));
    for (const PlannedJob* job : jobs) {
      if (!job->created) {
        return fail(Errc::kInvalid, fmt::format("the job \"{}\" is not in this pipeline: {}",
                                                printable(job->name), job->reason));
      }
      if (must_be_manual && job->when != config::When::kManual) {
        return fail(Errc::kInvalid,
                    fmt::format("the job \"{}\" is not manual: it runs by itself", printable(job->name)));
      }
      chosen_.started.insert(job->name);
      if (choice_.with_needs) {
        add_with_needs(*job);
      } else {
        chosen_.jobs.insert(job->name);
      }
    }
    return {};
  }

  // An explicit stack: needs can be as deep as there are jobs.
  void add_with_needs(const PlannedJob& named) {
    std::vector<const PlannedJob*> todo{&named};
    while (!todo.empty()) {
      const PlannedJob& job = *todo.back();
      todo.pop_back();
      if (!expanded_.insert(job.name).second) continue;
      chosen_.jobs.insert(job.name);
      if (job.needs) {
        for (const pipeline::PlannedNeed& need : *job.needs) {
          const auto found = by_name_.find(need.job);
          if (found == by_name_.end() || !found->second->created) continue;
          chosen_.started.insert(need.job);
          todo.push_back(found->second);
        }
      } else {
        add_earlier_stages(job, todo);
      }
    }
  }

  void add_earlier_stages(const PlannedJob& job, std::vector<const PlannedJob*>& todo) {
    const std::size_t stage = stage_.at(job.stage);
    if (stage <= all_before_) return;
    for (const PlannedJob& other : plan_.jobs) {
      if (!other.created || other.when == config::When::kManual) continue;
      if (stage_.at(other.stage) < stage) todo.push_back(&other);
    }
    all_before_ = stage;
  }

  const pipeline::Plan& plan_;
  const JobChoice& choice_;
  std::map<std::string, const PlannedJob*> by_name_;
  std::map<std::string, std::size_t> stage_;
  std::set<std::string> expanded_;
  std::size_t all_before_ = 0;  // the jobs of all stages before this one have been added
  ChosenJobs chosen_;
};

}  // namespace

Result<ChosenJobs> choose_jobs(const pipeline::Plan& plan, const JobChoice& choice) {
  return Chooser(plan, choice).choose();
}

}  // namespace tidegate::app
