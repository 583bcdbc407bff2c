#include "main/plan_json.h"

#include <string_view>
#include <unordered_map>

#include "main/json_text.h"

namespace tidegate::main {
namespace {

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

void write_diagnostics(JsonText& out, const config::Diagnostics& diagnostics) {
  out.list("diagnostics", diagnostics, [&](const config::Diagnostic& d) {
    out.open('{').key("severity").value(d.severity == config::Severity::kError ? "error" : "warning");
    out.key("code").value(d.code).key("message").value(d.message);
    out.key("file").value(d.place.file).key("line").value(d.place.line).key("column").value(d.place.column);
    out.key("hint").value(d.hint).key("job").text_or_null(d.job);
    out.list("via", d.via, [&](const config::Hop& hop) {
      out.open('{').key("what").value(hop.what).key("file").value(hop.place.file);
      out.key("line").value(hop.place.line).close('}');
    });
    out.close('}');
  });
}

void write_needs(JsonText& out, const pipeline::PlannedJob& job) {
  if (!job.needs) {
    out.key("needs").null();
    return;
  }
  out.list("needs", *job.needs, [&](const pipeline::PlannedNeed& need) {
    out.open('{').key("job").value(need.job).key("artifacts").value(need.artifacts);
    out.key("optional").value(need.optional).close('}');
  });
}

void write_image(JsonText& out, const pipeline::JobMessage& message) {
  out.key("image");
  if (!message.image) {
    out.null();
    return;
  }
  out.open('{').key("name").value(message.image->name);
  if (message.image->entrypoint) {
    out.list("entrypoint", *message.image->entrypoint);
  } else {
    out.key("entrypoint").null();
  }
  out.close('}');
}

void write_environment(JsonText& out, const pipeline::PlannedJob& job) {
  out.key("environment");
  if (!job.environment) {
    out.null();
    return;
  }
  const auto& e = *job.environment;
  out.open('{').key("name").value(e.name).key("url").text_or_null(e.url);
  out.key("action").value(e.action.empty() ? "start" : e.action);
  out.key("on_stop")
      .text_or_null(e.on_stop)
      .key("deployment_tier")
      .text_or_null(e.deployment_tier)
      .close('}');
}

void write_retry(JsonText& out, const pipeline::PlannedJob& job) {
  out.key("retry");
  if (!job.retry) {
    out.null();
    return;
  }
  out.open('{').key("max").value(job.retry->max);
  out.list("when", job.retry->when).list("exit_codes", job.retry->exit_codes).close('}');
}

// The includes as YAML, for they are what the child's configuration is.
void write_trigger(JsonText& out, const pipeline::PlannedJob& job) {
  out.key("trigger");
  if (!job.bridge) {
    out.null();
    return;
  }
  const pipeline::Bridge& b = *job.bridge;
  out.open('{').key("project").text_or_null(b.project).key("branch").text_or_null(b.branch);
  out.key("include").text_or_null(b.include).key("strategy");
  if (b.strategy == config::TriggerStrategy::kDepend) {
    out.value("depend");
  } else if (b.strategy == config::TriggerStrategy::kMirror) {
    out.value("mirror");
  } else {
    out.null();
  }
  out.key("upstream").value(b.kind == pipeline::BridgeKind::kUpstream).close('}');
}

void write_job(JsonText& out, const pipeline::PlannedJob& job, const config::Job* written) {
  out.open('{').key("name").value(job.name).key("stage").value(job.stage);
  out.key("created")
      .value(job.created)
      .key("reason")
      .value(job.reason)
      .key("when")
      .value(when_word(job.when));
  out.key("start_in");
  if (job.start_in) {
    out.value(job.start_in->count());
  } else {
    out.null();
  }
  out.key("allow_failure").value(job.allow_failure.value);
  out.list("exit_codes", job.allow_failure.exit_codes);
  write_needs(out, job);
  write_image(out, job.message);
  out.list("tags", job.tags);
  write_environment(out, job);
  out.key("variables").open('{');
  for (const auto& variable : job.yaml_variables) out.key_of(variable.key).value(variable.value);
  out.close('}');
  write_retry(out, job);
  write_trigger(out, job);
  static const config::Job kNone;
  const config::Job& scripts = written != nullptr ? *written : kNone;
  out.list("before_script", scripts.before_script).list("script", scripts.script);
  out.list("after_script", scripts.after_script).close('}');
}

}  // namespace

void write_plan_json(std::FILE* file, const pipeline::Plan& plan, const config::Definition* definition,
                     const config::Diagnostics& diagnostics) {
  std::unordered_map<std::string_view, const config::Job*> written;
  if (definition != nullptr) {
    for (const auto& job : definition->jobs) written[job.name] = &job;
  }
  {
    JsonText out(file);
    out.open('{').key("created").value(plan.created).key("reason").value(plan.reason);
    out.key("name").text_or_null(plan.name).list("stages", plan.stages);
    write_diagnostics(out, diagnostics);
    out.list("jobs", plan.jobs, [&](const pipeline::PlannedJob& job) {
      const auto found = written.find(job.written);
      write_job(out, job, found == written.end() ? nullptr : found->second);
    });
    out.close('}');
  }
  std::fputc('\n', file);
}

void write_lint_json(std::FILE* file, const config::Diagnostics& diagnostics, const std::string* merged) {
  {
    JsonText out(file);
    out.open('{').key("valid").value(!config::has_errors(diagnostics));
    write_diagnostics(out, diagnostics);
    if (merged != nullptr) out.key("merged").value(*merged);
    out.close('}');
  }
  std::fputc('\n', file);
}

}  // namespace tidegate::main
