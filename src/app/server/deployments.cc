#include "app/server/deployments.h"

#include "app/server/dotenv.h"
#include "base/text.h"
#include "pipeline/predefined.h"
#include "pipeline/variables.h"

namespace tidegate::app {
namespace {

using pipeline::JobStatus;

/// The job's variables and those of its own dotenv report, which the address may name.
pipeline::JobVariables variables_of(Store& store, const Job& job) {
  pipeline::JobMessage message = job.message;
  const auto artifacts = store.artifacts(job.state.id);
  if (!artifacts) return message.variables;
  for (const Artifact& artifact : *artifacts)
    if (artifact.type == "dotenv") pipeline::add_report_variables(message, read_dotenv(artifact.file));
  return message.variables;
}

class Recorder {
 public:
  Recorder(Store& store, const Job& job, const Pipeline& pipeline, Instant now)
      : store_(store), job_(job), pipeline_(pipeline), now_(now), wanted_(*job.environment) {}

  Status record() {
    TG_TRY(const auto known, store_.environment(job_.project, wanted_.name));
    found_ = known.has_value();
    record_ = known.value_or(fresh());
    record_.updated_at = now_;
    const std::string action = wanted_.action.empty() ? "start" : wanted_.action;
    const JobStatus status = job_.state.status;
    if (action == "start") return start(status);
    if (action == "stop") return stop(status);
    if (status != JobStatus::kSuccess || action == "verify") return ensure();
    set_auto_stop();
    return save();
  }

 private:
  EnvironmentRecord fresh() const {
    EnvironmentRecord out;
    out.project = job_.project;
    out.name = wanted_.name;
    out.slug = pipeline::environment_slug(wanted_.name);
    out.tier =
        wanted_.deployment_tier.empty() ? pipeline::environment_tier(wanted_.name) : wanted_.deployment_tier;
    out.created_at = now_;
    return out;
  }

  Status start(JobStatus status) {
    if (status == JobStatus::kSuccess) {
      record_.state = "available";
      if (!wanted_.deployment_tier.empty()) record_.tier = wanted_.deployment_tier;
      record_.on_stop = wanted_.on_stop;
      record_.last_job = job_.state.id;
      if (!wanted_.url.empty()) {
        const auto variables = variables_of(store_, job_);
        record_.url = pipeline::expand_text(wanted_.url, pipeline::VariableIndex(variables),
                                            pipeline::Undefined::kBlank);
      }
      set_auto_stop();
      TG_CHECK(save());
      return deployed("success");
    }
    TG_CHECK(ensure());
    if (status == JobStatus::kRunning) return deployed("running");
    if (status == JobStatus::kFailed) return deployed("failed");
    return deployed("canceled");
  }

  // A stop that failed leaves the environment as it was: it can be tried again.
  Status stop(JobStatus status) {
    if (!found_) return {};
    if (status == JobStatus::kSuccess) {
      record_.state = "stopped";
      record_.auto_stop_at.reset();
    } else if (status == JobStatus::kRunning) {
      record_.state = "stopping";
    } else if (record_.state == "stopping") {
      record_.state = "available";
    }
    return save();
  }

  Status ensure() { return found_ ? Status() : save(); }

  Status save() {
    TG_TRY(record_, store_.put_environment(record_));
    found_ = true;
    return {};
  }

  Status deployed(const std::string& status) {
    DeploymentRecord deployment;
    deployment.environment = record_.id;
    deployment.project = job_.project;
    deployment.pipeline = pipeline_.id;
    deployment.job = job_.state.id;
    deployment.ref = pipeline_.ref;
    deployment.is_tag = pipeline_.is_tag;
    deployment.sha = pipeline_.sha;
    deployment.status = status;
    deployment.created_at = deployment.updated_at = now_;
    return store_.put_deployment(deployment);
  }

  void set_auto_stop() {
    if (wanted_.auto_stop_in.empty()) return;
    record_.auto_stop_at.reset();
    if (wanted_.auto_stop_in == "never") return;
    const auto after = parse_duration(wanted_.auto_stop_in).value_or(Seconds{0});
    if (after > Seconds{0}) record_.auto_stop_at = now_ + after;
  }

  Store& store_;
  const Job& job_;
  const Pipeline& pipeline_;
  Instant now_;
  const config::Environment& wanted_;
  EnvironmentRecord record_;
  bool found_ = false;
};

}  // namespace

Status record_deployment(Store& store, const Job& job, const Pipeline& pipeline, Instant now) {
  if (!job.environment || job.environment->name.empty()) return {};
  const JobStatus status = job.state.status;
  const bool matters = status == JobStatus::kRunning || status == JobStatus::kSuccess ||
                       status == JobStatus::kFailed || status == JobStatus::kCanceled;
  // A job that was never started has deployed nothing.
  if (!matters || !job.started_at) return {};
  return Recorder(store, job, pipeline, now).record();
}

}  // namespace tidegate::app
