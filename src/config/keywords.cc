#include "config/keywords.h"

#include <algorithm>
#include <array>

namespace tidegate::config {
namespace {

using enum Support;

constexpr std::string_view kNoPages =
    "No site is served: the folder is kept as the job's artifact; publish it from the script.";

constexpr std::string_view kOfJobs = "It decides about jobs: write it in a rule of a job.";

constexpr auto kRoot = std::to_array<Keyword>({
    {"default"},
    {"include"},
    {"variables"},
    {"stages"},
    {"workflow"},
    {"image"},
    {"services"},
    {"cache"},
    {"before_script"},
    {"after_script"},
    {"spec", kError, "A header stands in a document of its own, before `---`."},
});

constexpr auto kDefault = std::to_array<Keyword>({
    {"after_script"},
    {"artifacts"},
    {"before_script"},
    {"cache"},
    {"image"},
    {"interruptible"},
    {"retry"},
    {"services"},
    {"tags"},
    {"timeout"},
    {"hooks"},
    {"id_tokens"},
    {"identity", kWarning, "Use `id_tokens` and sign in to the cloud in the script."},
});

constexpr auto kJob = std::to_array<Keyword>({
    {"after_script"},
    {"allow_failure"},
    {"artifacts"},
    {"before_script"},
    {"cache"},
    {"coverage"},
    {"dependencies"},
    {"environment"},
    {"except"},
    {"extends"},
    {"image"},
    {"inherit"},
    {"interruptible"},
    {"needs"},
    {"only"},
    {"parallel"},
    {"resource_group"},
    {"retry"},
    {"rules"},
    {"script"},
    {"services"},
    {"stage"},
    {"start_in"},
    {"tags"},
    {"timeout"},
    {"trigger"},
    {"variables"},
    {"when"},
    {"run"},
    {"dast_configuration", kWarning, "There are no DAST profiles: set the DAST_* variables in the job."},
    {"hooks"},
    {"id_tokens"},
    {"identity", kWarning, "Use `id_tokens` and sign in to the cloud in the script."},
    {"inputs"},
    {"manual_confirmation"},
    {"pages", kWarning, kNoPages},
    {"publish", kWarning, kNoPages},
    {"release"},
    {"secrets"},
});

constexpr auto kWorkflow = std::to_array<Keyword>({
    {"rules"},
    {"name"},
    {"auto_cancel"},
});

constexpr auto kRule = std::to_array<Keyword>({
    {"if"},
    {"changes"},
    {"exists"},
    {"when"},
    {"start_in"},
    {"allow_failure"},
    {"variables"},
    {"needs"},
    {"interruptible"},
    {"auto_cancel", kWarning, "Write it under `workflow`, or in a rule of the workflow."},
});

constexpr auto kWorkflowRule = std::to_array<Keyword>({
    {"if"},
    {"changes"},
    {"exists"},
    {"when"},
    {"variables"},
    {"auto_cancel"},
    {"allow_failure", kWarning, kOfJobs},
    {"needs", kWarning, kOfJobs},
});

constexpr auto kVariable = std::to_array<Keyword>({{"value"}, {"description"}, {"options"}, {"expand"}});
constexpr auto kJobVariable = std::to_array<Keyword>({{"value"}, {"expand"}});

constexpr auto kImage = std::to_array<Keyword>({
    {"name"},
    {"entrypoint"},
    {"pull_policy"},
    {"docker"},
    {"kubernetes", kWarning, "Jobs run in Docker containers."},
    {"ports", kWarning},
});

constexpr auto kImageDocker = std::to_array<Keyword>({{"platform"}, {"user"}});

constexpr auto kService = std::to_array<Keyword>({
    {"name"},
    {"alias"},
    {"entrypoint"},
    {"command"},
    {"pull_policy"},
    {"variables"},
    {"docker"},
    {"kubernetes", kWarning, "Services run in Docker containers."},
    {"ports", kWarning},
});

constexpr auto kNeed = std::to_array<Keyword>({
    {"job"},
    {"artifacts"},
    {"optional"},
    {"parallel"},
    {"pipeline"},
    {"project"},
    {"ref"},
});

constexpr auto kParallel = std::to_array<Keyword>({{"matrix"}});
constexpr auto kAutoCancel = std::to_array<Keyword>({{"on_new_commit"}, {"on_job_failure"}});

constexpr auto kArtifacts = std::to_array<Keyword>({
    {"paths"},
    {"exclude"},
    {"expire_in"},
    {"expose_as"},
    {"name"},
    {"public"},
    {"reports"},
    {"untracked"},
    {"when"},
    {"access"},
});

constexpr auto kReports = std::to_array<Keyword>({
    {"accessibility"},
    {"annotations"},
    {"api_fuzzing"},
    {"browser_performance"},
    {"cluster_applications"},
    {"cluster_image_scanning"},
    {"codequality"},
    {"container_scanning"},
    {"coverage_fuzzing"},
    {"coverage_report"},
    {"cyclonedx"},
    {"dast"},
    {"dependency_scanning"},
    {"dotenv"},
    {"junit"},
    {"license_scanning"},
    {"load_performance"},
    {"lsif"},
    {"metrics"},
    {"performance"},
    {"repository_xray"},
    {"requirements"},
    {"requirements_v2"},
    {"sast"},
    {"sarif"},
    {"scip"},
    {"secret_detection"},
    {"terraform"},
});

constexpr auto kCoverageReport = std::to_array<Keyword>({{"coverage_format"}, {"path"}});

constexpr auto kRetry = std::to_array<Keyword>({{"max"}, {"when"}, {"exit_codes"}});

constexpr auto kRetryReasons = std::to_array<Keyword>({
    {"always"},
    {"unknown_failure"},
    {"script_failure"},
    {"api_failure"},
    {"stuck_or_timeout_failure"},
    {"stuck_pending_with_matching_runners"},
    {"stuck_pending_no_matching_runners"},
    {"no_updates_running"},
    {"no_updates_canceling"},
    {"runner_system_failure"},
    {"runner_configuration_error"},
    {"runner_external_dependency_failure"},
    {"runner_interrupted"},
    {"runner_unsupported"},
    {"stale_schedule"},
    {"job_execution_timeout"},
    {"server_timeout_running"},
    {"server_timeout_canceling"},
    {"archived_failure"},
    {"unmet_prerequisites"},
    {"scheduler_failure"},
    {"data_integrity_failure"},
});

constexpr auto kEnvironment = std::to_array<Keyword>({
    {"name"},
    {"url"},
    {"on_stop"},
    {"action"},
    {"auto_stop_in"},
    {"deployment_tier"},
    {"kubernetes", kWarning, "Give the job the cluster's address and credentials as variables."},
});

constexpr auto kPolicy = std::to_array<Keyword>({{"refs"}, {"variables"}, {"changes"}, {"kubernetes"}});
constexpr auto kInherit = std::to_array<Keyword>({{"default"}, {"variables"}});
constexpr auto kChanges = std::to_array<Keyword>({{"paths"}, {"compare_to"}});
constexpr auto kExists = std::to_array<Keyword>({{"paths"}, {"project"}, {"ref"}});
constexpr auto kAllowFailure = std::to_array<Keyword>({{"exit_codes"}});

}  // namespace

Keywords root_keywords() {
  return kRoot;
}
Keywords default_keywords() {
  return kDefault;
}
Keywords job_keywords() {
  return kJob;
}
Keywords workflow_keywords() {
  return kWorkflow;
}
Keywords rule_keywords() {
  return kRule;
}
Keywords workflow_rule_keywords() {
  return kWorkflowRule;
}
Keywords variable_keywords() {
  return kVariable;
}
Keywords job_variable_keywords() {
  return kJobVariable;
}
Keywords image_keywords() {
  return kImage;
}
Keywords image_docker_keywords() {
  return kImageDocker;
}
Keywords service_keywords() {
  return kService;
}
Keywords need_keywords() {
  return kNeed;
}
Keywords parallel_keywords() {
  return kParallel;
}
Keywords auto_cancel_keywords() {
  return kAutoCancel;
}
Keywords artifacts_keywords() {
  return kArtifacts;
}
Keywords report_keywords() {
  return kReports;
}
Keywords coverage_report_keywords() {
  return kCoverageReport;
}
Keywords retry_keywords() {
  return kRetry;
}
Keywords retry_reasons() {
  return kRetryReasons;
}
Keywords environment_keywords() {
  return kEnvironment;
}
Keywords policy_keywords() {
  return kPolicy;
}
Keywords inherit_keywords() {
  return kInherit;
}
Keywords changes_keywords() {
  return kChanges;
}
Keywords exists_keywords() {
  return kExists;
}
Keywords allow_failure_keywords() {
  return kAllowFailure;
}

const Keyword* find_keyword(Keywords table, std::string_view name) {
  const auto found = std::ranges::find(table, name, &Keyword::name);
  return found == table.end() ? nullptr : &*found;
}

}  // namespace tidegate::config
