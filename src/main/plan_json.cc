#include "main/plan_json.h"

#include <map>

#include <boost/json.hpp>

#include "base/text.h"

namespace tidegate::main {
namespace {

namespace json = boost::json;

std::string safe(const std::string& text) {
  return is_utf8(text) ? text : printable(text, text.size() * 4 + 1);
}

std::string_view when_word(config::When when) {
  switch (when) {
    case config::When::kOnSuccess:
      return "on_success";
    case config::When::kOnFailure:
      return "on_failure";
    case config::When::kAlways:
      return "always";
    case config::When::kManual:
      return "manual";
    case config::When::kDelayed:
      return "delayed";
    case config::When::kNever:
      return "never";
  }
  return "on_success";
}

json::array strings(const std::vector<std::string>& list) {
  json::array out;
  for (const auto& text : list) out.push_back(json::string(safe(text)));
  return out;
}

json::value text_or_null(const std::string& text) {
  return text.empty() ? json::value(nullptr) : json::value(safe(text));
}

json::array way_view(const std::vector<config::Hop>& via) {
  json::array out;
  for (const auto& hop : via)
    out.push_back({{"what", safe(hop.what)}, {"file", safe(hop.place.file)}, {"line", hop.place.line}});
  return out;
}

json::array diagnostics_view(const config::Diagnostics& diagnostics) {
  json::array out;
  for (const auto& d : diagnostics) {
    out.push_back({{"severity", d.severity == config::Severity::kError ? "error" : "warning"},
                   {"code", d.code},
                   {"message", safe(d.message)},
                   {"file", safe(d.place.file)},
                   {"line", d.place.line},
                   {"column", d.place.column},
                   {"hint", safe(d.hint)},
                   {"job", text_or_null(d.job)},
                   {"via", way_view(d.via)}});
  }
  return out;
}

json::value needs_view(const pipeline::PlannedJob& job) {
  if (!job.needs) return nullptr;
  json::array out;
  for (const auto& need : *job.needs) {
    out.push_back({{"job", safe(need.job)}, {"artifacts", need.artifacts}, {"optional", need.optional}});
  }
  return out;
}

json::value environment_view(const pipeline::PlannedJob& job) {
  if (!job.environment) return nullptr;
  const auto& e = *job.environment;
  return json::object{{"name", safe(e.name)},
                      {"url", text_or_null(e.url)},
                      {"action", e.action.empty() ? "start" : e.action},
                      {"on_stop", text_or_null(e.on_stop)},
                      {"deployment_tier", text_or_null(e.deployment_tier)}};
}

json::value image_view(const pipeline::JobMessage& message) {
  if (!message.image) return nullptr;
  return json::object{
      {"name", safe(message.image->name)},
      {"entrypoint",
       message.image->entrypoint ? json::value(strings(*message.image->entrypoint)) : json::value(nullptr)}};
}

json::value retry_view(const pipeline::PlannedJob& job) {
  if (!job.retry) return nullptr;
  return json::object{{"max", job.retry->max},
                      {"when", strings(job.retry->when)},
                      {"exit_codes", json::value_from(job.retry->exit_codes)}};
}

// The includes as YAML, for they are what the child's configuration is.
json::value trigger_view(const pipeline::PlannedJob& job) {
  if (!job.bridge) return nullptr;
  const pipeline::Bridge& b = *job.bridge;
  const char* strategy = b.strategy == config::TriggerStrategy::kDepend   ? "depend"
                         : b.strategy == config::TriggerStrategy::kMirror ? "mirror"
                                                                          : nullptr;
  return json::object{{"project", text_or_null(b.project)},
                      {"branch", text_or_null(b.branch)},
                      {"include", text_or_null(b.include)},
                      {"strategy", strategy == nullptr ? json::value(nullptr) : json::value(strategy)},
                      {"upstream", b.kind == pipeline::BridgeKind::kUpstream}};
}

json::object job_view(const pipeline::PlannedJob& job, const config::Job* written) {
  json::object variables;
  for (const auto& v : job.yaml_variables) variables[safe(v.key)] = safe(v.value);
  const std::vector<std::string> none;
  return {{"name", safe(job.name)},
          {"stage", safe(job.stage)},
          {"created", job.created},
          {"reason", safe(job.reason)},
          {"when", when_word(job.when)},
          {"start_in", job.start_in ? json::value(job.start_in->count()) : json::value(nullptr)},
          {"allow_failure", job.allow_failure.value},
          {"exit_codes", json::value_from(job.allow_failure.exit_codes)},
          {"needs", needs_view(job)},
          {"image", image_view(job.message)},
          {"tags", strings(job.tags)},
          {"environment", environment_view(job)},
          {"variables", variables},
          {"retry", retry_view(job)},
          {"trigger", trigger_view(job)},
          {"before_script", strings(written ? written->before_script : none)},
          {"script", strings(written ? written->script : none)},
          {"after_script", strings(written ? written->after_script : none)}};
}

}  // namespace

std::string plan_json(const pipeline::Plan& plan, const config::Definition* definition,
                      const config::Diagnostics& diagnostics) {
  std::map<std::string, const config::Job*> written;
  if (definition != nullptr) {
    for (const auto& job : definition->jobs) written[job.name] = &job;
  }
  json::array jobs;
  for (const auto& job : plan.jobs) {
    const auto found = written.find(job.written);
    jobs.push_back(job_view(job, found == written.end() ? nullptr : found->second));
  }
  return json::serialize(json::object{{"created", plan.created},
                                      {"reason", safe(plan.reason)},
                                      {"name", text_or_null(plan.name)},
                                      {"stages", strings(plan.stages)},
                                      {"diagnostics", diagnostics_view(diagnostics)},
                                      {"jobs", jobs}});
}

std::string lint_json(const config::Diagnostics& diagnostics, const std::string* merged) {
  json::object out{{"valid", !config::has_errors(diagnostics)},
                   {"diagnostics", diagnostics_view(diagnostics)}};
  if (merged != nullptr) out["merged"] = safe(*merged);
  return json::serialize(out);
}

}  // namespace tidegate::main
