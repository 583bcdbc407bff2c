// From a commit to stored jobs.
#include <algorithm>

#include <fmt/core.h>

#include "app/server/include_policy.h"
#include "app/server/pipelines.h"
#include "app/server/server_variables.h"
#include "base/log.h"
#include "base/sha256.h"
#include "base/text.h"
#include "config/load.h"
#include "config/project_file.h"
#include "dataset/glob.h"
#include "pipeline/child.h"
#include "pipeline/include_scope.h"
#include "pipeline/probe.h"

namespace tidegate::app {
namespace {

constexpr const char* kConfigFile = ".gitlab-ci.yml";

std::string first_errors(const config::Diagnostics& diagnostics) {
  std::string out;
  for (const auto& d : diagnostics) {
    if (d.severity != config::Severity::kError) continue;
    if (!out.empty()) out += "\n";
    out += fmt::format("{}:{}: {}", d.place.file, d.place.line, d.message);
  }
  return out;
}

// cache:key:files: GitLab takes the last commits that touched the files; their content says the same and
// needs no history.
std::optional<std::string> content_key(GitRepository& repository, const std::string& sha,
                                       const std::vector<std::string>& files) {
  Sha256 hash;
  bool any = false;
  for (const std::string& file : files) {
    const auto text = repository.read_file(sha, file);
    if (!text || !*text) continue;
    any = true;
    hash.update(file + '\0' + std::to_string((*text)->size()) + '\0' + **text);
  }
  return any ? std::optional(hash.hex().substr(0, 40)) : std::nullopt;
}

// cache:key:files_commits: the last commits that touched them.
std::optional<std::string> commits_key(GitRepository& repository, const std::string& sha,
                                       const std::vector<std::string>& files) {
  std::string commits;
  for (const std::string& file : files) commits += repository.last_commit(sha, file).value_or("");
  return commits.empty() ? std::nullopt : std::optional(sha256_hex(commits).substr(0, 40));
}

Result<pipeline::Commit> commit_facts(GitRepository& repository, const std::string& sha) {
  TG_TRY(const CommitInfo info, repository.commit(sha));
  return pipeline::Commit{.message = info.message,
                          .author = fmt::format("{} <{}>", info.author_name, info.author_email),
                          .timestamp = format_iso8601(info.committed_at),
                          .tag_message = {}};
}

pipeline::Plan refused(config::Diagnostics diagnostics) {
  pipeline::Plan plan;
  plan.diagnostics = std::move(diagnostics);
  plan.reason = first_errors(plan.diagnostics);
  return plan;
}

config::ProjectFile project_file_at(GitRepository& repository, const std::string& sha) {
  const auto text = repository.read_file(sha, "tidegate.yml");
  return text && *text ? config::load_project_file(**text).file : config::ProjectFile{};
}

// Data cannot change this: it is read from the commit, in which only the bound address is the data's.
std::optional<std::vector<std::string>> network_of(const config::ProjectFile& file,
                                                   const std::string& source) {
  const auto found = std::ranges::find(file.data, source, &config::DataSource::name);
  return found == file.data.end() ? std::nullopt : found->gate.network;
}

bool has_network(const std::optional<std::vector<std::string>>& granted, const std::string& job) {
  return !granted || std::ranges::any_of(
                         *granted, [&](const std::string& glob) { return dataset::glob_match(glob, job); });
}

void restrict_to_probe(pipeline::Plan& plan, const ProbeRequest& probe) {
  if (!plan.created) return;
  const auto jobs = pipeline::probe_jobs(plan, probe.failed);
  if (jobs.refusal.empty()) return pipeline::keep_only(plan, jobs.jobs);
  plan.created = false;
  plan.reason = jobs.refusal;
}

bool is_protected(const PipelineRequest& request, const Project& project) {
  return !request.version && !request.is_untrusted && !request.is_tag &&
         request.ref == project.default_branch;
}

}  // namespace

// The candidate's own data, also in what its pipeline starts; of the other sources what is live.
Result<Addresses> Pipelines::addresses_of(const PipelineRequest& request) {
  Addresses out;
  TG_TRY(const auto live, ports_.store.live_versions(request.project));
  for (const Version& version : live) out[version.source] = version.uri;
  VersionId candidate = request.version;
  PipelineId above = request.upstream;
  while (!candidate && above) {
    TG_TRY(const auto upstream, ports_.store.pipeline(above));
    if (!upstream || upstream->project != request.project) break;
    candidate = upstream->version;
    above = upstream->upstream;
  }
  const bool old_data = request.probe && request.probe->kind == dataset::Probe::kOldData;
  if (!candidate || old_data) return out;
  TG_TRY(const auto version, ports_.store.version(candidate));
  if (version) out[version->source] = version->uri;
  return out;
}

// Who may upload data must not thereby read secrets: a candidate gets no protected variables.
Result<pipeline::JobVariables> Pipelines::project_variables(const PipelineRequest& request,
                                                            const Project& project) {
  TG_TRY(const auto variables, ports_.store.variables(project.id));
  const bool protected_ref = is_protected(request, project);
  pipeline::JobVariables out;
  for (const ProjectVariable& v : variables) {
    if (v.is_protected && !protected_ref) continue;
    out.push_back({v.key, v.value, false, v.masked, v.file, v.raw});
  }
  return out;
}

Result<pipeline::Plan> Pipelines::plan(GitRepository& repository, const PipelineRequest& request,
                                       const pipeline::Context& context, config::Sources sources) const {
  if (request.child) {
    sources.artifact = [&](const std::string& job, const std::string& path) {
      return artifact_of(request.upstream, job, path);
    };
    return pipeline::plan_child(*request.child, context, std::move(sources));
  }
  TG_TRY(const auto text, repository.read_file(request.sha, kConfigFile));
  if (!text) {
    return fail(Errc::kInvalid, fmt::format("commit {} has no {}: add one to get pipelines",
                                            request.sha.substr(0, 8), kConfigFile));
  }
  auto loaded = config::load(*text, kConfigFile, sources);
  if (!loaded.definition || config::has_errors(loaded.diagnostics))
    return refused(std::move(loaded.diagnostics));
  return pipeline::compile(*loaded.definition, context);
}

Result<Pipelines::Compiled> Pipelines::compile(const Project& project, const std::vector<Project>& projects,
                                               const PipelineRequest& request,
                                               const pipeline::JobVariables& predefined,
                                               const pipeline::JobVariables& variables,
                                               const Addresses& addresses) const {
  TG_TRY(const std::shared_ptr<GitRepository> repository, ports_.repository(project));
  Compiled out;
  const auto file = project_file_at(*repository, request.sha);
  for (const NamedData& named : named_data(*repository, request.sha, file, request.variables, addresses)) {
    const bool again = !out.data.empty() && out.data.back().source == named.source;
    if (!again) out.data.push_back({named.source, named.uri, "", "", named.is_set});
    const bool is_given = std::ranges::any_of(
        request.variables, [&](const pipeline::JobVariable& given) { return given.key == named.variable; });
    if (named.variable.empty() || is_given) continue;
    out.bound.push_back({.key = named.variable, .value = named.uri, .raw = true});
  }
  out.network = network_of(file, request.data_source);
  pipeline::Context context;
  context.ref = request.ref;
  context.is_tag = request.is_tag;
  context.default_branch = project.default_branch;
  context.source = request.source;
  context.sha = request.sha;
  context.before_sha = request.before_sha;
  context.config_path = kConfigFile;
  TG_TRY(context.commit, commit_facts(*repository, request.sha));
  context.predefined = predefined;
  context.project = variables;
  context.pipeline = request.variables;
  context.pipeline.insert(context.pipeline.end(), out.bound.begin(), out.bound.end());
  context.default_timeout = ports_.settings.default_job_timeout;
  if (!request.before_sha.empty()) {
    TG_TRY(context.changed, repository->changed_paths(request.before_sha, request.sha));
  }
  context.changed_against = [&](const std::string& ref) -> std::optional<std::vector<std::string>> {
    const auto other = repository->resolve(ref);
    if (!other) return std::nullopt;
    auto paths = repository->changed_paths(*other, request.sha);
    return paths ? std::optional(std::move(*paths)) : std::nullopt;
  };
  context.files_key = [&](const std::vector<std::string>& files) -> std::optional<std::string> {
    return content_key(*repository, request.sha, files);
  };
  context.commits_key = [&](const std::vector<std::string>& files) -> std::optional<std::string> {
    return commits_key(*repository, request.sha, files);
  };
  // A candidate looks like a push to the branch, but nothing that is protected goes to it.
  context.ref_protected = is_protected(request, project);
  context.tree = [&] { return repository->list_tree(request.sha).value_or(std::vector<std::string>{}); };
  config::Sources sources = include_sources(ports_, project, projects, repository, request.sha);
  sources.inputs = request.inputs;
  context.tree_of = config::tree_of(sources);
  sources.scope = pipeline::include_scope(context);
  TG_TRY(out.plan, plan(*repository, request, context, std::move(sources)));
  if (request.probe) restrict_to_probe(out.plan, *request.probe);
  out.head = repository->resolve((request.is_tag ? "refs/tags/" : "refs/heads/") + request.ref).value_or("");
  return out;
}

void Pipelines::create(PipelineRequest request, OnCreated done) {
  const auto found = ports_.store.project(request.project);
  if (!found || !*found) return done(found ? fail(Errc::kNotFound, "no such project") : found.error());
  const Project project = **found;
  auto variables = project_variables(request, project);
  if (!variables) return done(variables.error());
  const auto predefined = predefined_variables(ports_, project);
  auto projects = ports_.store.projects();
  if (!projects) return done(projects.error());
  auto addresses = addresses_of(request);
  if (!addresses) return done(addresses.error());

  auto resolve_and_insert = [this, project, request,
                             done = std::move(done)](Result<Compiled> compiled) mutable {
    if (!compiled) return done(compiled.error());
    auto shared = std::make_shared<Compiled>(std::move(*compiled));
    auto next = std::make_shared<std::function<void(std::size_t)>>();
    // Each bound object in turn; one that cannot be had is left out, and the job that needs it says so.
    *next = [this, shared, project, request, done, weak = std::weak_ptr(next)](std::size_t index) {
      if (index == shared->data.size()) {
        std::erase_if(shared->data, [](const pipeline::JobData& d) { return d.sha256.empty(); });
        return done(insert(project, request, std::move(*shared)));
      }
      auto self = weak.lock();
      pipeline::JobData& data = shared->data[index];
      objects_.resolve(project.id, data.source, data.uri, data.is_set,
                       [this, shared, index, self](Result<Version> version) {
                         if (version) {
                           shared->data[index].sha256 = version->sha256;
                           shared->data[index].file = ports_.object_path(version->sha256).string();
                         } else {
                           log::warn("pipeline", "data {}: {}", shared->data[index].uri,
                                     version.error().message);
                         }
                         (*self)(index + 1);
                       });
    };
    (*next)(0);
  };
  in_background(
      ports_.workers, ports_.loop,
      [this, project, projects = *std::move(projects), request, predefined, variables = std::move(*variables),
       addresses = std::move(*addresses)] {
        return compile(project, projects, request, predefined, variables, addresses);
      },
      std::move(resolve_and_insert));
}

Job Pipelines::planned_job(const pipeline::PlannedJob& planned, const Compiled& compiled,
                           const Project& project) const {
  Job job;
  job.stage = planned.stage;
  job.reason = planned.reason;
  job.created_at = ports_.clock.now();
  job.message = planned.message;
  job.message.token = Secret("tgjob-" + random_hex(20));
  job.message.project_id = project.id.value();
  job.message.project_path = project.path;
  job.message.git.repo_url = ports_.settings.external_url + "/" + project.path + ".git";
  job.message.data = compiled.data;
  job.message.has_network = has_network(compiled.network, planned.name);
  job.options = planned.options;
  job.environment = planned.environment.to_optional();
  job.state = pipeline::initial_state(planned, JobId{}, compiled.plan.stages);
  job.bridge = planned.bridge.to_optional();
  return job;
}

Status Pipelines::store_new(Pipeline& record, std::vector<Job>& jobs) {
  TG_TRY(record, ports_.store.add_pipeline(record, jobs));
  for (const Job& job : jobs) {
    if (job.state.resource_group.empty()) continue;
    TG_CHECK(ports_.store.add_resource_group(record.project, job.state.resource_group));
  }
  return {};
}

Status Pipelines::link_version(const PipelineRequest& request, const Pipeline& record) {
  if (request.probe) {
    TG_TRY(auto gate, ports_.store.gate_record(request.version));
    if (!gate) return fail(Errc::kInternal, "the diagnosis is gone");
    gate->probes[static_cast<std::size_t>(request.probe->kind)] = {record.id, dataset::ProbeResult::kNotRun,
                                                                   ""};
    return ports_.store.put_gate_record(*gate);
  }
  TG_TRY(auto version, ports_.store.version(request.version));
  if (!version) return fail(Errc::kInternal, "the candidate's version is gone");
  version->pipeline = record.id;
  return ports_.store.save_version(*version);
}

Result<Pipeline> Pipelines::insert(const Project& project, const PipelineRequest& request,
                                   Compiled compiled) {
  const bool broken = config::has_errors(compiled.plan.diagnostics);
  if (!compiled.plan.created && !broken)
    return fail(Errc::kInvalid, (request.probe ? "" : "no pipeline: ") + compiled.plan.reason);
  if (request.probe && request.probe->kind == dataset::Probe::kOldData &&
      std::ranges::find(compiled.data, request.data_source, &pipeline::JobData::source) ==
          compiled.data.end())
    return fail(Errc::kNotFound, "the branch names no earlier data that could be read");
  Pipeline record;
  record.project = project.id;
  record.ref = request.ref;
  record.is_tag = request.is_tag;
  record.sha = request.sha;
  record.before_sha = request.before_sha;
  record.source = request.probe ? kProbeSource : request.source;
  record.name = compiled.plan.name;
  record.version = request.version;
  record.upstream = request.upstream;
  record.bridge = request.bridge;
  record.stages = compiled.plan.stages;
  record.variables = request.variables;
  record.variables.insert(record.variables.end(), compiled.bound.begin(), compiled.bound.end());
  record.on_new_commit = compiled.plan.auto_cancel.on_new_commit;
  record.on_job_failure = compiled.plan.auto_cancel.on_job_failure;
  record.created_at = ports_.clock.now();
  if (broken) {
    record.yaml_errors = first_errors(compiled.plan.diagnostics);
    record.status = pipeline::JobStatus::kFailed;
    record.finished_at = record.created_at;
  }
  std::vector<Job> jobs;
  for (const pipeline::PlannedJob& planned : compiled.plan.jobs) {
    if (planned.created && !broken) jobs.push_back(planned_job(planned, compiled, project));
  }
  const auto save = [&]() -> Status {
    TG_CHECK(store_new(record, jobs));
    if (!request.seen_ref.empty())
      TG_CHECK(ports_.store.set_known_ref(project.id, request.seen_ref, request.sha));
    return request.version ? link_version(request, record) : Status{};
  };
  TG_CHECK(request.bridge ? insert_downstream(record, jobs) : ports_.store.transaction(save));
  log::info("pipeline", "#{} created for {} {} ({} jobs, source {})", record.id.value(), record.ref,
            record.sha.substr(0, 8), jobs.size(), record.source);
  if (broken) {
    tell_end(record);
    return record;
  }
  Active fresh{record, std::move(jobs), {}};
  for (const Job& job : fresh.jobs) fresh.state.jobs.push_back(job.state);
  fresh.state.on_job_failure = record.on_job_failure;
  active_.insert_or_assign(record.id, std::move(fresh));
  send(record.id, pipeline::Started{});
  if (Status canceled = cancel_redundant(record, compiled.head); !canceled) {
    log::warn("pipeline", "#{}: older pipelines go on: {}", record.id.value(), canceled.error().message);
  }
  return record;
}

}  // namespace tidegate::app
