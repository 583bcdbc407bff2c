// Lints about deployments and what waits for people.
#include <algorithm>
#include <utility>

#include <fmt/core.h>

#include "base/text.h"
#include "pipeline/lints/finders.h"

namespace tidegate::pipeline::lints {
namespace {

bool is_production(const config::Environment& environment) {
  return environment.deployment_tier == "production" ||
         (environment.deployment_tier.empty() && to_lower(environment.name).starts_with("prod"));
}

/// For each stage, the first job of a later one that waits for its stage; null where there is none.
std::vector<const Reading*> first_after(const Subject& subject) {
  std::vector<const Reading*> first(subject.definition.stages.size() + 2, nullptr);
  for (const Reading& reading : subject.jobs)
    if (!reading.job->needs && first[reading.stage] == nullptr) first[reading.stage] = &reading;
  const Reading* later = nullptr;
  for (std::size_t stage = first.size(); stage-- > 0;) {
    const Reading* here = std::exchange(first[stage], later);
    if (here != nullptr && (later == nullptr || here < later)) later = here;
  }
  return first;
}

}  // namespace

void find_manual_blocks(Subject& subject, Warnings& out) {
  const auto first = first_after(subject);
  for (const Reading& reading : subject.jobs) {
    const config::Job& job = *reading.job;
    if (!job.rules || job.allow_failure || job.environment) continue;
    const Reading* waiting = first[reading.stage];
    if (waiting == nullptr) continue;
    for (const config::Rule& rule : *job.rules)
      if (rule.when.value_or(job.when) == config::When::kManual && !rule.allow_failure)
        out.add(rule.place, job.name,
                fmt::format("{} is manual by a rule and blocks: {} and what follows wait until somebody "
                            "starts it",
                            name_of(reading), name_of(*waiting)),
                "Write `allow_failure: true` if the pipeline should go on without it, `false` if it should "
                "wait. (`when: manual` outside of rules does not block.)");
  }
}

void find_deploy_interruptible(Subject& subject, Warnings& out) {
  for (const Reading& reading : subject.jobs)
    if (deploys(*reading.job) && reading.job->interruptible.value_or(false))
      out.add(reading.job->place, reading.job->name,
              fmt::format("{} deploys to {} and is interruptible: a newer pipeline ends it halfway",
                          name_of(reading), printable(reading.job->environment->name)),
              "Write `interruptible: false`, and a `resource_group`.");
}

void find_deploy_retried(Subject& subject, Warnings& out) {
  for (const Reading& reading : subject.jobs) {
    const config::Job& job = *reading.job;
    if (deploys(job) && job.retry && job.retry->max > 0 && job.retry->when.empty() &&
        job.retry->exit_codes.empty())
      out.add(job.place, job.name,
              fmt::format("{} deploys again whatever went wrong, also when it was halfway through",
                          name_of(reading)),
              "Name the failures that are not the script's: retry: {max: 2, when: [runner_system_failure, "
              "stuck_or_timeout_failure]}.");
  }
}

void find_deploy_not_alone(Subject& subject, Warnings& out) {
  for (const Reading& reading : subject.jobs) {
    const config::Job& job = *reading.job;
    if (!deploys(job) || !is_production(*job.environment) || !job.resource_group.empty()) continue;
    if (reading.mentions_any({"ssh ", "scp ", "rsync ", "kubectl ", "helm ", "ansible", "terraform "}))
      out.add(job.place, job.name,
              fmt::format("{} may run twice at once on {}: two pipelines, one target", name_of(reading),
                          printable(job.environment->name)),
              "Give it a `resource_group`: jobs of one group run one after the other.");
  }
}

void find_review_never_stops(Subject& subject, Warnings& out) {
  for (const Reading& reading : subject.jobs) {
    const config::Job& job = *reading.job;
    if (!deploys(job) || !job.environment->on_stop.empty() || !job.environment->auto_stop_in.empty())
      continue;
    const std::string& name = job.environment->name;
    if (name.contains("CI_COMMIT_REF") || name.contains("CI_COMMIT_BRANCH") ||
        name.contains("CI_MERGE_REQUEST"))
      out.add(job.place, job.name,
              fmt::format("{} makes an environment for each branch ({}) that nothing stops", name_of(reading),
                          printable(name)),
              "Add `on_stop` with a job that removes it, or `auto_stop_in`.");
  }
}

}  // namespace tidegate::pipeline::lints
