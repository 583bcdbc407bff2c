// Trigger jobs: from a pending bridge to the pipeline that it starts or follows, and back by its status.
// Source: GitLab's Ci::CreateDownstreamPipelineService, Ci::CancelPipelineService.
#include <algorithm>

#include <fmt/core.h>

#include "app/runner/archive.h"
#include "app/server/dotenv.h"
#include "app/server/family.h"
#include "app/server/include_policy.h"
#include "app/server/lineage_log.h"
#include "app/server/pipelines.h"
#include "base/log.h"
#include "base/text.h"
#include "config/findings.h"
#include "config/yaml.h"
#include "sys/file.h"

namespace tidegate::app {
namespace {

using pipeline::BridgeKind;
using pipeline::JobStatus;

constexpr const char* kNotCreated = "downstream_pipeline_creation_failed";
constexpr std::uint64_t kMaxConfiguration = 5ULL * 1024 * 1024;  // GitLab's limit for a generated file

// Who asks for another project's pipeline is a job, and a job is nobody's: so what counts is the project. The
// projects of one group may start each other's pipelines.
bool may_start(const Project& asking, const Project& asked) {
  return may_include(asking.path, asked.path, {});
}

// trigger:inputs; their shape was checked when the trigger was read.
config::GivenInputs inputs_in(const std::string& yaml) {
  if (yaml.empty()) return {};
  const auto parsed = config::yaml::parse(yaml, "trigger:inputs");
  if (parsed.documents.empty()) return {};
  config::Findings unused;
  return config::read_given_inputs(*parsed.documents.front(), unused);
}

bool worth_another_try(Errc code) {
  return code == Errc::kUnavailable;
}

}  // namespace

void Pipelines::start_bridge(PipelineId in, JobId id) {
  const auto again = [this, in, id] {
    ports_.loop.post_after(kTryAgain, [this, in, id] { start_bridge(in, id); });
  };
  const auto found = active(in);
  if (!found) {
    if (found.error().code != Errc::kNotFound) again();
    return;
  }
  Job* job = find(**found, id);
  if (job == nullptr || !job->bridge || job->state.status != JobStatus::kPending) return;
  auto asked = ask_downstream(**found, *job);
  if (!asked) {
    log::error("pipeline", "trigger job {}: {}; trying again", id.value(), asked.error().message);
    return again();
  }
  if (!asked->reason.empty()) return refuse_bridge(in, id, asked->reason, asked->words);
  if (asked->follow) return link_to(in, id, *asked->follow);
  const auto done = [this, in, id, again](const Result<Pipeline>& created) {
    if (!created && worth_another_try(created.error().code)) return again();
    if (!created && created.error().code == Errc::kConflict) return;  // canceled meanwhile
    if (!created) return refuse_bridge(in, id, kNotCreated, created.error().message);
    if (!created->yaml_errors.empty()) note(id, created->yaml_errors);
  };
  if (asked->request.child) return create(std::move(asked->request), done);
  create_at_head(std::move(asked->request), done);
}

// The ref of another project is its head now.
void Pipelines::create_at_head(PipelineRequest request, OnCreated done) {
  const auto project = ports_.store.project(request.project);
  if (!project || !*project) return done(fail(Errc::kNotFound, "no such project"));
  in_background(
      ports_.workers, ports_.loop,
      [this, request, project = **project]() -> Result<PipelineRequest> {
        TG_TRY(const auto repository, ports_.repository(project));
        PipelineRequest out = request;
        auto sha = repository->resolve("refs/heads/" + request.ref);
        out.is_tag = !sha;
        if (!sha) sha = repository->resolve("refs/tags/" + request.ref);
        if (!sha) {
          return fail(Errc::kInvalid,
                      fmt::format("{} has no branch or tag {}", project.path, printable(request.ref)));
        }
        out.sha = *sha;
        return out;
      },
      [this, done = std::move(done)](Result<PipelineRequest> resolved) mutable {
        if (!resolved) return done(resolved.error());
        create(std::move(*resolved), std::move(done));
      });
}

Result<Pipelines::Asked> Pipelines::ask_downstream(Active& active, const Job& job) {
  Job complete = job;
  pipeline::JobVariables reported;
  TG_CHECK(complete_message(active, complete, &reported));
  const auto to =
      pipeline::downstream_of(*job.bridge, complete.message.variables, reported, active.record.variables);
  TG_TRY(const auto line, self_and_upstreams(ports_.store, active.record.id));
  if (job.bridge->kind == BridgeKind::kUpstream) return ask_to_follow(to.project);
  Asked asked;
  asked.request.upstream = active.record.id;
  asked.request.bridge = job.state.id;
  asked.request.variables = to.variables;
  TG_TRY(asked.request.is_untrusted, is_untrusted(ports_.store, active.record.id));
  TG_TRY(asked.request.data_source, data_source_of(ports_.store, line));
  TG_TRY(const std::size_t family, family_size(ports_.store, line.back().id, pipeline::kMaxFamily));
  if (family >= pipeline::kMaxFamily)
    return refuse("reached_max_pipeline_hierarchy_size",
                  fmt::format("there are {} pipelines in this tree already", family));
  if (job.bridge->kind == BridgeKind::kChild) return ask_child(active.record, *job.bridge, line, asked);
  return ask_project(active.record, *job.bridge, to, line, asked);
}

Pipelines::Asked Pipelines::refuse(std::string reason, std::string words) {
  Asked asked;
  asked.reason = std::move(reason);
  asked.words = std::move(words);
  return asked;
}

Pipelines::Asked Pipelines::ask_child(const Pipeline& parent, const pipeline::Bridge& bridge,
                                      const std::vector<Pipeline>& line, Asked asked) {
  std::size_t depth = 0;
  while (depth < line.size() && is_child(line[depth])) ++depth;
  if (depth >= pipeline::kMaxChildDepth)
    return refuse("reached_max_descendant_pipelines_depth",
                  fmt::format("child pipelines may be {} deep", pipeline::kMaxChildDepth));
  asked.request.project = parent.project;
  asked.request.ref = parent.ref;
  asked.request.is_tag = parent.is_tag;
  asked.request.sha = parent.sha;
  asked.request.before_sha = parent.before_sha;
  asked.request.source = "parent_pipeline";
  asked.request.child = bridge;
  return asked;
}

Result<Pipelines::Asked> Pipelines::ask_project(const Pipeline& from, const pipeline::Bridge& bridge,
                                                const pipeline::Downstream& to,
                                                const std::vector<Pipeline>& line, Asked asked) {
  TG_TRY(const auto project, ports_.store.project_by_path(to.project));
  TG_TRY(const auto own, ports_.store.project(from.project));
  if (!project || !own)
    return refuse("downstream_bridge_project_not_found",
                  fmt::format("there is no project {} on this server", printable(to.project)));
  if (project->id == own->id)
    return refuse("invalid_bridge_trigger",
                  "a project cannot trigger itself as another one; write `trigger: {include: …}`");
  if (!may_start(*own, *project))
    return refuse("insufficient_bridge_permissions",
                  fmt::format("{} may not start pipelines of {}: only projects of one group may do that",
                              own->path, project->path));
  if (goes_in_circles(line))
    return refuse("pipeline_loop_detected", "these projects trigger each other without end");
  asked.request.project = project->id;
  asked.request.ref = to.branch.empty() ? project->default_branch : to.branch;
  asked.request.source = "pipeline";
  asked.request.inputs = inputs_in(bridge.inputs);
  return asked;
}

Result<Pipelines::Asked> Pipelines::ask_to_follow(const std::string& path) {
  TG_TRY(const auto project, ports_.store.project_by_path(path));
  if (!project)
    return refuse("upstream_bridge_project_not_found",
                  fmt::format("there is no project {} on this server", printable(path)));
  PipelineFilter on_ref;
  on_ref.ref = project->default_branch;
  TG_TRY(const auto latest, ports_.store.pipelines(project->id, on_ref, 1, 0));
  if (latest.empty())
    return refuse("upstream_bridge_project_not_found",
                  fmt::format("{} has no pipeline on {}", path, project->default_branch));
  Asked asked;
  asked.follow = latest.front().id;
  return asked;
}

void Pipelines::link_to(PipelineId in, JobId id, PipelineId other) {
  const auto found = active(in);
  if (!found) return;
  const Status linked = change(**found, [&]() -> Result<pipeline::Event> {
    Job* job = find(**found, id);
    if (job != nullptr) job->downstream = other;
    return pipeline::BridgeLinked{id};
  });
  if (!linked) {
    ports_.loop.post_after(kTryAgain, [this, in, id] { start_bridge(in, id); });
    return;
  }
  if (const auto record = ports_.store.pipeline(other); record && *record)
    send(in, pipeline::BridgeMoved{id, (*record)->status});
}

// A trigger job has no log of its own, so why it failed is what its log says.
void Pipelines::note(JobId job, const std::string& words) const {
  const auto path = ports_.log_path(job);
  Status written = sys::make_directories(path.parent_path());
  if (written) written = sys::write_file(path, words + "\n");
  if (!written) log::warn("pipeline", "job {}: {}", job.value(), written.error().message);
}

void Pipelines::refuse_bridge(PipelineId in, JobId id, const std::string& reason, const std::string& words) {
  log::info("pipeline", "#{} trigger job {}: {}: {}", in.value(), id.value(), reason, words);
  note(id, words);
  send(in, pipeline::JobFailed{id, reason, {}});
}

Status Pipelines::insert_downstream(Pipeline& record, std::vector<Job>& jobs) {
  TG_TRY(Active * parent, active(record.upstream));
  const Job* asking = find(*parent, record.bridge);
  if (asking == nullptr || asking->state.status != JobStatus::kPending)
    return fail(Errc::kConflict, "the trigger job does not wait for it any more");
  // One transaction: else a crash in between would leave a pipeline that starts twice, or never.
  return change(*parent, [&]() -> Result<pipeline::Event> {
    TG_CHECK(store_new(record, jobs));
    Job* bridge = find(*parent, record.bridge);
    bridge->downstream = record.id;
    if (!record.yaml_errors.empty()) return pipeline::JobFailed{record.bridge, kNotCreated, {}};
    return pipeline::BridgeLinked{record.bridge};
  });
}

Result<std::string> Pipelines::artifact_of(PipelineId pipeline, const std::string& name,
                                           const std::string& path) const {
  TG_TRY(const std::string archive, ports_.loop.call([&]() -> Result<std::string> {
    TG_TRY(const auto jobs, ports_.store.jobs(pipeline));
    for (const Job& job : jobs) {
      if (job.state.name != name || job.state.retried) continue;
      TG_TRY(const auto artifacts, ports_.store.artifacts(job.state.id));
      for (const Artifact& artifact : artifacts) {
        if (artifact.type == "archive") return artifact.file;
      }
    }
    return fail(
        Errc::kNotFound,
        fmt::format("Job `{}` not found in parent pipeline or does not have artifacts!", printable(name)));
  }));
  return read_archived_file(archive, path, kMaxConfiguration);
}

// --- status, cancel, restart

void Pipelines::tell_followers(PipelineId id, JobStatus before, JobStatus now) {
  const auto followers = ports_.store.followers(id);
  if (!followers) {
    log::error("pipeline", "#{}: {}; trying again", id.value(), followers.error().message);
    ports_.loop.post_after(kTryAgain, [this, id, before, now] { tell_followers(id, before, now); });
    return;
  }
  for (const Job& job : *followers)
    send(job.pipeline, pipeline::BridgeMoved{job.state.id, now, pipeline::is_completed(before)});
}

// Nothing follows the end of a child: what it delivered is its parent's, and so is the branch.
void Pipelines::tell_end(const Pipeline& record) {
  if (is_child(record)) {
    ports_.loop.post([this, id = record.id] { settle_child(id); });
  } else if (finished_) {
    finished_(record);
  }
}

Status Pipelines::settle(PipelineId id) {
  TG_TRY(Active * active, this->active(id));
  Pipeline record = active->record;
  record.settled = true;
  TG_CHECK(ports_.store.transaction([&]() -> Status {
    TG_CHECK(ports_.store.save_pipeline(record));
    return record_pipeline(ports_.store, record, ports_.clock.now());
  }));
  active_.erase(id);
  return {};
}

void Pipelines::settle_child(PipelineId id) {
  const auto record = ports_.store.pipeline(id);
  if (record && *record && !pipeline::is_completed((*record)->status)) return;  // it goes on again
  const Status settled = record ? settle(id) : Status(record.error());
  if (settled) return;
  log::error("pipeline", "#{}: {}; trying again", id.value(), settled.error().message);
  ports_.loop.post_after(kTryAgain, [this, id] { settle_child(id); });
}

void Pipelines::cancel_child(JobId bridge) {
  const auto job = ports_.store.job(bridge);
  if (!job || !*job || !(*job)->downstream) return;
  if (const Status canceled = cancel((*job)->downstream); !canceled)
    log::error("pipeline", "cancel the pipeline of job {}: {}", bridge.value(), canceled.error().message);
}

// Children end with their parent, whatever the strategy; pipelines of other projects go on.
Status Pipelines::cancel_children(PipelineId id) {
  TG_TRY(const auto below, ports_.store.downstream_of(id));
  for (const Pipeline& child : below) {
    if (is_child(child) && !pipeline::is_completed(child.status)) TG_CHECK(cancel(child.id));
  }
  return {};
}

// After a restart: what the other pipelines did may not have been told.
Status Pipelines::catch_up_bridges(PipelineId id) {
  TG_TRY(const auto jobs, ports_.store.jobs(id));
  for (const Job& job : jobs) {
    const bool waits = job.downstream && !job.state.retried && !pipeline::is_completed(job.state.status);
    if (!waits) continue;
    TG_TRY(const auto other, ports_.store.pipeline(job.downstream));
    if (!other) continue;
    TG_TRY(Active * own, active(id));
    TG_CHECK(apply(*own, pipeline::BridgeMoved{job.state.id, other->status}));
  }
  return {};
}

}  // namespace tidegate::app
