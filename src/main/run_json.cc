// What `tidegate run` says about a run for programs (--json) and before one (--dry-run).
#include <algorithm>

#include <boost/json.hpp>
#include <fmt/core.h>

#include "base/text.h"
#include "main/run_command.h"

namespace tidegate::main {
namespace {

namespace json = boost::json;

std::string where(const RunOptions& options, const pipeline::PlannedJob& job, bool docker_answers) {
  const bool wants_container = job.message.image.has_value() || !job.message.services.empty();
  if (options.executor == "shell" || (options.executor == "auto" && (!wants_container || !docker_answers)))
    return "shell";
  std::string text = "docker";
  if (job.message.image) text += " " + printable(job.message.image->name);
  for (const auto& service : job.message.services) text += " + " + printable(service.name);
  return text;
}

std::string needs_text(const pipeline::PlannedJob& job, const app::ChosenJobs& chosen) {
  if (!job.needs) return "";
  std::string out;
  for (const auto& need : *job.needs) {
    if (chosen.jobs.contains(need.job)) out += (out.empty() ? ", needs " : ", ") + printable(need.job);
  }
  return out;
}

}  // namespace

std::string result_json(const app::LocalResult& result) {
  json::array jobs;
  for (const app::LocalJob& job : result.jobs) {
    jobs.push_back({{"name", job.name},
                    {"stage", job.stage},
                    {"status", pipeline::to_string(job.status)},
                    {"allow_failure", job.allow_failure},
                    {"executor", job.executor},
                    {"failure_reason", job.failure_reason},
                    {"exit_code", job.exit_code ? json::value(*job.exit_code) : json::value(nullptr)},
                    {"message", job.message},
                    {"coverage", job.coverage ? json::value(*job.coverage) : json::value(nullptr)},
                    {"attempts", job.attempts},
                    {"duration_ms", job.duration.count()}});
  }
  return json::serialize(json::object{{"status", pipeline::to_string(result.status)},
                                      {"good", result.good()},
                                      {"duration_ms", result.duration.count()},
                                      {"jobs", jobs}});
}

Status print_dry_run(const RunOptions& options, const config::Definition& definition,
                     const pipeline::Plan& plan, bool docker_answers) {
  TG_TRY(const app::ChosenJobs chosen, app::choose_jobs(plan, options.choice));
  std::string stage;
  for (const pipeline::PlannedJob& job : plan.jobs) {
    if (!chosen.jobs.contains(job.name)) continue;
    if (job.stage != stage) fmt::print("{}\n", stage = job.stage);
    const bool waits = job.when == config::When::kManual && !chosen.started.contains(job.name);
    fmt::print("  {} ({}{}{})\n", printable(job.name), where(options, job, docker_answers),
               needs_text(job, chosen), waits ? ", manual: not started" : "");
    const auto written = std::ranges::find(definition.jobs, job.name, &config::Job::name);
    if (waits || written == definition.jobs.end()) continue;
    for (const auto* script : {&written->before_script, &written->script, &written->after_script}) {
      for (const std::string& line : *script)
        fmt::print("      $ {}\n", replace_all(std::string(trim(line)), "\n", "\n        "));
    }
  }
  return {};
}

}  // namespace tidegate::main
