#include "pipeline/probe.h"

#include <algorithm>
#include <array>
#include <set>
#include <string_view>

#include <fmt/core.h>

#include "base/text.h"
#include "pipeline/lints/shell_words.h"

namespace tidegate::pipeline {
namespace {

using lints::Command;

/// What runs another command, given among its words.
constexpr std::array<std::string_view, 9> kWrappers{"timeout", "env",   "nice",    "time",   "exec",
                                                    "xargs",   "retry", "sshpass", "command"};
/// What changes another machine, whatever its arguments are.
constexpr std::array<std::string_view, 7> kAlways{"ssh", "scp", "sftp", "rsync", "kubectl", "helm", "twine"};
struct Verb {
  std::string_view tool;
  std::string_view verb;
};
constexpr std::array<Verb, 10> kVerbs{{{"docker", "push"},
                                       {"docker", "--push"},
                                       {"podman", "push"},
                                       {"buildah", "push"},
                                       {"skopeo", "copy"},
                                       {"crane", "push"},
                                       {"crane", "copy"},
                                       {"git", "push"},
                                       {"terraform", "apply"},
                                       {"tidegate", "deploy"}}};

bool is_wrapper(std::string_view word) {
  return std::ranges::find(kWrappers, word) != kWrappers.end();
}

bool delivers(const Command& command) {
  const std::size_t among = is_wrapper(command.name()) ? command.words.size() : 1;
  for (std::size_t i = 0; i < among; ++i) {
    const std::string_view word = command.words[i];
    const std::string_view tool = word.substr(word.rfind('/') + 1);
    if (std::ranges::find(kAlways, tool) != kAlways.end()) return true;
    if (tool == "tidegate" && command.has("load") && !command.has("--check")) return true;
    if (std::ranges::any_of(kVerbs,
                            [&](const Verb& verb) { return verb.tool == tool && command.has(verb.verb); }))
      return true;
  }
  return false;
}

std::size_t rank(const Plan& plan, const std::string& stage) {
  return static_cast<std::size_t>(std::ranges::find(plan.stages, stage) - plan.stages.begin());
}

const PlannedJob* find(const Plan& plan, const std::string& name) {
  const auto found =
      std::ranges::find_if(plan.jobs, [&](const PlannedJob& job) { return job.created && job.name == name; });
  return found == plan.jobs.end() ? nullptr : &*found;
}

/// Runs when all before it have passed, without a person.
bool runs_by_itself(const PlannedJob& job) {
  return job.when == config::When::kOnSuccess || job.when == config::When::kAlways ||
         job.when == config::When::kDelayed;
}

/// Names of the jobs that it waits for itself.
std::vector<std::string> waits_for(const Plan& plan, const PlannedJob& job) {
  std::vector<std::string> out;
  if (job.needs) {
    for (const PlannedNeed& need : *job.needs) {
      if (!need.optional || find(plan, need.job) != nullptr) out.push_back(need.job);
    }
    return out;
  }
  for (const PlannedJob& other : plan.jobs) {
    if (other.created && runs_by_itself(other) && rank(plan, other.stage) < rank(plan, job.stage))
      out.push_back(other.name);
  }
  return out;
}

std::string why_not(const PlannedJob* job, const std::string& name) {
  if (job == nullptr)
    return fmt::format("job {} is not in the pipeline that would be compared", printable(name));
  if (delivers(*job)) return fmt::format("job {} delivers: it is not run again", printable(name));
  if (!runs_by_itself(*job)) return fmt::format("job {} does not start by itself", printable(name));
  return {};
}

}  // namespace

bool delivers(const JobMessage& message, bool has_environment, bool is_bridge) {
  if (has_environment || is_bridge || message.release) return true;
  return std::ranges::any_of(message.steps, [](const JobStep& step) {
    return std::ranges::any_of(lints::shell_commands(join(step.script, "\n")),
                               [](const Command& command) { return delivers(command); });
  });
}

bool delivers(const PlannedJob& job) {
  return delivers(job.message, job.environment.has_value(), job.bridge.has_value());
}

ProbeJobs probe_jobs(const Plan& plan, const std::vector<std::string>& failed) {
  std::set<std::string> wanted;
  std::vector<std::string> todo = failed;
  while (!todo.empty()) {
    const std::string name = std::move(todo.back());
    todo.pop_back();
    if (!wanted.insert(name).second) continue;
    const PlannedJob* job = find(plan, name);
    if (std::string refusal = why_not(job, name); !refusal.empty()) return {{}, std::move(refusal)};
    for (std::string& before : waits_for(plan, *job)) todo.push_back(std::move(before));
  }
  ProbeJobs out;
  for (const PlannedJob& job : plan.jobs) {
    if (job.created && wanted.contains(job.name)) out.jobs.push_back(job.name);
  }
  if (out.jobs.empty()) out.refusal = "no job has failed";
  return out;
}

void keep_only(Plan& plan, const std::vector<std::string>& jobs) {
  for (PlannedJob& job : plan.jobs) {
    if (!job.created || std::ranges::find(jobs, job.name) != jobs.end()) continue;
    job.created = false;
    job.reason = "it is not needed for the comparison";
  }
}

}  // namespace tidegate::pipeline
