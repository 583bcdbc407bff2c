// Artifacts, steps, hooks, secrets and the release of the job message. Source: GitLab's
// app/presenters/ci/build_runner_presenter.rb.
#include <algorithm>
#include <array>

#include "base/text.h"
#include "pipeline/message_parts.h"

namespace tidegate::pipeline {
namespace {

constexpr Seconds kAfterScriptTimeout{300};

/// How a report is uploaded. Source: app/models/concerns/enums/ci/job_artifact.rb (names and formats).
struct ReportForm {
  std::string_view type;
  std::string_view file;
  std::string_view format;
};
constexpr auto kReportForms = std::to_array<ReportForm>({
    {"accessibility", "gl-accessibility.json", "raw"},
    {"annotations", "gl-annotations.json", "gzip"},
    {"api_fuzzing", "gl-api-fuzzing-report.json", "raw"},
    {"browser_performance", "browser-performance.json", "raw"},
    {"cluster_applications", "gl-cluster-applications.json", "gzip"},
    {"cluster_image_scanning", "gl-cluster-image-scanning-report.json", "raw"},
    {"cobertura", "cobertura-coverage.xml", "gzip"},
    {"codequality", "gl-code-quality-report.json", "raw"},
    {"container_scanning", "gl-container-scanning-report.json", "raw"},
    {"coverage_fuzzing", "gl-coverage-fuzzing.json", "raw"},
    {"cyclonedx", "gl-sbom.cdx.json", "gzip"},
    {"dast", "gl-dast-report.json", "raw"},
    {"dependency_scanning", "gl-dependency-scanning-report.json", "raw"},
    {"dotenv", ".env", "gzip"},
    {"jacoco", "jacoco-coverage.xml", "gzip"},
    {"junit", "junit.xml", "gzip"},
    {"license_scanning", "gl-license-scanning-report.json", "raw"},
    {"load_performance", "load-performance.json", "raw"},
    {"lsif", "lsif.json", "zip"},
    {"metrics", "metrics.txt", "gzip"},
    {"performance", "performance.json", "raw"},
    {"repository_xray", "gl-repository-xray.json", "gzip"},
    {"requirements", "requirements.json", "raw"},
    {"requirements_v2", "requirements_v2.json", "raw"},
    {"sarif", "gl-sarif-report.sarif", "raw"},
    {"sast", "gl-sast-report.json", "raw"},
    {"scip", "index.scip", "zip"},
    {"secret_detection", "gl-secret-detection-report.json", "raw"},
    {"terraform", "tfplan.json", "raw"},
});

JobArtifacts build_report(std::string_view type, const std::vector<std::string>& paths,
                          const config::Artifacts& artifacts, const Expander& expand) {
  JobArtifacts out;
  const auto* const form = std::ranges::find(kReportForms, type, &ReportForm::type);
  out.type = type;
  out.name = form == kReportForms.end() ? std::string(type) : std::string(form->file);
  out.format = form == kReportForms.end() ? "gzip" : std::string(form->format);
  out.paths = expand(paths);
  out.when = "always";
  out.expire_in = artifacts.expire_in;
  out.never_expires = artifacts.never_expires;
  return out;
}

/// A step of `run:` is a shell of its own: what it sets and where it goes stays in it.
std::string run_step(const config::RunStep& step) {
  std::string out = "# step " + replace_all(step.name, "\n", " ") + "\n(\n";
  for (const auto& variable : step.env)
    out += "export " + variable.key + "=" + shell_quote(variable.value) + "\n";
  return out + step.script + "\n)";
}

std::string with_inputs(std::string line, const std::vector<config::JobInput>& inputs) {
  if (line.find("${{") == std::string::npos) return line;
  for (const auto& input : inputs) {
    line = replace_all(line, "${{ job.inputs." + input.name + " }}", input.value);
    line = replace_all(line, "${{job.inputs." + input.name + "}}", input.value);
  }
  return line;
}

}  // namespace

std::string_view to_word(config::ArtifactsWhen when) {
  switch (when) {
    case config::ArtifactsWhen::kOnSuccess:
      return "on_success";
    case config::ArtifactsWhen::kOnFailure:
      return "on_failure";
    case config::ArtifactsWhen::kAlways:
      return "always";
  }
  return "on_success";
}

std::vector<JobStep> build_steps(const config::Job& job, Seconds timeout) {
  JobStep script{.name = "script", .script = {}, .timeout = timeout};
  if (job.run.empty()) {
    script.script = job.before_script;
    script.script.insert(script.script.end(), job.script.begin(), job.script.end());
  }
  for (const auto& step : job.run) script.script.push_back(run_step(step));
  std::vector<JobStep> steps = {std::move(script)};
  if (!job.after_script.empty() && job.run.empty()) {
    steps.push_back({.name = "after_script",
                     .script = job.after_script,
                     .timeout = kAfterScriptTimeout,
                     .when = "always",
                     .allow_failure = true});
  }
  if (job.inputs.empty()) return steps;
  for (auto& step : steps)
    for (auto& line : step.script) line = with_inputs(std::move(line), job.inputs);
  return steps;
}

std::vector<JobArtifacts> build_artifacts(const config::Job& job, const Expander& expand) {
  std::vector<JobArtifacts> out;
  const config::Artifacts artifacts = job.artifacts.value_or(config::Artifacts());
  auto paths = artifacts.paths;
  if (!job.publish.empty() && std::ranges::find(paths, job.publish) == paths.end())
    paths.push_back(job.publish);
  if (artifacts.untracked || !paths.empty()) {
    JobArtifacts archive;
    archive.name = artifacts.name.empty() ? "artifacts" : expand(artifacts.name);
    archive.untracked = artifacts.untracked;
    archive.paths = expand(paths);
    archive.exclude = expand(artifacts.exclude);
    archive.when = to_word(artifacts.when);
    archive.expire_in = artifacts.expire_in;
    archive.never_expires = artifacts.never_expires;
    out.push_back(std::move(archive));
  }
  const auto& reports = artifacts.reports;
  if (!reports.junit.empty()) out.push_back(build_report("junit", reports.junit, artifacts, expand));
  if (!reports.dotenv.empty()) out.push_back(build_report("dotenv", reports.dotenv, artifacts, expand));
  for (const auto& [type, report] : reports.other) {
    if (!report.empty()) out.push_back(build_report(type, report, artifacts, expand));
  }
  return out;
}

void build_services(const config::Job& job, const Context& context, const Expander& expand,
                    JobMessage& message) {
  if (!job.pre_get_sources_script.empty())
    message.hooks.push_back({.name = "pre_get_sources_script", .script = job.pre_get_sources_script});
  for (const auto& secret : job.secrets)
    message.secrets.push_back({.key = secret.name, .provider = secret.provider, .file = secret.file});
  message.may_have_secrets = context.ref_protected.value_or(true);
  if (!job.release) return;
  auto& release = message.release.emplace(*job.release);
  for (std::string* text : {&release.tag_name, &release.tag_message, &release.name, &release.description,
                            &release.ref, &release.released_at})
    *text = expand(*text);
  release.milestones = expand(release.milestones);
  for (auto& link : release.links)
    for (std::string* text : {&link.name, &link.url, &link.filepath}) *text = expand(*text);
}

JobOptions build_options(const config::Job& job, const Expander& expand) {
  JobOptions out;
  if (job.coverage.size() > 2) out.coverage = job.coverage.substr(1, job.coverage.rfind('/') - 1);
  out.id_tokens = job.id_tokens;
  for (auto& token : out.id_tokens) token.audiences = expand(token.audiences);
  out.manual_confirmation = expand(job.manual_confirmation);
  if (job.artifacts && job.artifacts->access == "none") out.artifacts_access = "none";
  return out;
}

}  // namespace tidegate::pipeline
