// Server: the use cases wired to each other; what the HTTP API, the hooks and the command line call.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "app/server/builtin_runner.h"
#include "app/server/deliveries.h"
#include "app/server/environments.h"
#include "app/server/gate.h"
#include "app/server/pipelines.h"
#include "app/server/refs.h"
#include "app/server/server_ports.h"
#include "app/server/sources.h"

namespace tidegate::app {

/// Everything that is known about how one thing came to be: object version ↔ commit ↔ pipeline ↔ image digest
/// ↔ release.
struct Lineage {
  Project project;
  std::optional<Version> version;
  std::vector<EventRecord> events;
  std::string commit;
  std::optional<Pipeline> pipeline;
  std::vector<Delivery> deliveries;
  std::vector<TrackedRun> runs;  ///< training runs of those releases
};

/// Made after the loop has been started; stop() before the ports go. The public methods may be called from
/// any thread but the loop's own; each runs on the loop, or says that it blocks.
class Server {
 public:
  explicit Server(ServerPorts& ports);

  /// Takes up what the last process left: jobs that were running, versions under way, pushes not yet seen.
  Status start();
  void stop();

  Deliveries& deliveries() { return deliveries_; }

  /// The holder of a token; kDenied when there is none.
  Result<Token> authenticate(const std::string& token);
  /// By number or path.
  Result<Project> project(const std::string& id_or_path);
  Result<std::vector<Project>> projects();
  Result<Project> create_project(const std::string& path, const std::string& default_branch);
  /// The token itself is returned once and kept only as a hash.
  Result<std::string> create_token(TokenKind kind, ProjectId project, const std::string& name);
  /// Without the tokens themselves, which nobody knows.
  Result<std::vector<Token>> tokens(ProjectId project);
  /// It is refused from now on.
  Status revoke_token(ProjectId project, std::int64_t id);
  Status set_variable(ProjectId project, const ProjectVariable& variable);
  Status remove_variable(ProjectId project, const std::string& key);
  Result<std::vector<ProjectVariable>> variables(ProjectId project);

  /// Records events of a source; `project` 0: every project that has a source of this name. Durable when it
  /// returns.
  Result<Sources::Accepted> announce(ProjectId project, const std::string& source,
                                     const std::vector<dataset::ObjectEvent>& events);
  /// After git-receive-pack.
  void pushed(const Project& project);

  /// Blocks until the pipeline is stored, or refused.
  Result<Pipeline> create_pipeline(ProjectId project, const std::string& ref, const std::string& source,
                                   const pipeline::JobVariables& variables,
                                   const config::GivenInputs& inputs = {});
  Result<Pipeline> pipeline(ProjectId project, PipelineId id);
  /// Of whatever project.
  Result<Pipeline> pipeline(PipelineId id);
  /// Newest first; child pipelines only where the filter names their source.
  Result<std::vector<Pipeline>> pipelines(ProjectId project, const PipelineFilter& filter, std::int64_t limit,
                                          std::int64_t offset);
  Result<std::int64_t> count_pipelines(ProjectId project, const PipelineFilter& filter);
  Result<std::vector<Job>> jobs(PipelineId pipeline);
  Result<Job> job(ProjectId project, JobId id);
  Result<std::vector<Artifact>> artifacts(JobId job);
  /// The running job that this token belongs to.
  Result<Job> job_of_token(const std::string& token);
  std::filesystem::path log_path(JobId job) const { return ports_.log_path(job); }
  Result<Pipeline> cancel_pipeline(ProjectId project, PipelineId id);
  Result<Pipeline> retry_pipeline(ProjectId project, PipelineId id);
  Result<Job> cancel_job(ProjectId project, JobId id);
  Result<Job> retry_job(ProjectId project, JobId id);
  Result<Job> play_job(ProjectId project, JobId id);

  Result<std::vector<EnvironmentRecord>> environments(ProjectId project);
  Result<EnvironmentRecord> environment(ProjectId project, std::int64_t id);
  Result<EnvironmentRecord> stop_environment(ProjectId project, std::int64_t id, bool force);
  Status remove_environment(ProjectId project, std::int64_t id);
  /// Newest 100; environment 0: of all.
  Result<std::vector<DeploymentRecord>> deployments(ProjectId project, std::int64_t environment);
  Result<std::vector<ReleaseRecord>> releases(ProjectId project);
  /// The public keys of id tokens, as a JSON Web Key Set.
  Result<std::string> id_token_keys();

  Result<std::vector<ResourceGroup>> resource_groups(ProjectId project);
  Result<ResourceGroup> resource_group(ProjectId project, const std::string& key);
  Status set_process_mode(ProjectId project, const std::string& key, pipeline::ProcessMode mode);

  Result<std::vector<Version>> versions(ProjectId project, const std::string& source, std::int64_t limit);
  Result<Version> version(ProjectId project, const std::string& source, std::int64_t number);
  /// Whose fault its failure was, and what else the gate remembers of it; nothing for most.
  Result<std::optional<GateRecord>> gate_record(VersionId version);
  /// The object of a version that is final goes through the gate again, at once, as a new version of the
  /// source. kConflict: the version is still under way. kNotFound: there is no such version or source (any
  /// more).
  Result<Version> replay(ProjectId project, const std::string& source, std::int64_t number);
  Result<std::vector<EventRecord>> events(ProjectId project, const std::string& source, VersionId version);
  Result<std::vector<config::DataSource>> sources(ProjectId project);
  Result<std::vector<Delivery>> history(ProjectId project, const std::string& target, std::int64_t limit);
  Result<std::vector<Quarantined>> quarantined(ProjectId project);
  /// The digest may be released again.
  Status lift_quarantine(ProjectId project, const std::string& digest);

  /// `what`: an object address or key, `source/number`, a commit (prefix), `#pipeline`, a digest, a release
  /// id, an MLflow run id. Blocks: the tracker is asked for the runs; one that does not answer leaves them
  /// out.
  Result<std::vector<Lineage>> lineage(ProjectId project, const std::string& what);

  const ServerPorts& ports() const { return ports_; }

 private:
  Result<Version> version_now(ProjectId project, const std::string& source, std::int64_t number);
  Result<Pipeline> pipeline_now(ProjectId project, PipelineId id);
  Result<Job> job_now(ProjectId project, JobId id);
  Result<EnvironmentRecord> environment_now(ProjectId project, std::int64_t id);
  void sweep();
  Result<std::vector<Lineage>> stored_lineage(ProjectId project, const std::string& what);
  std::string delivery_of_run(Tracking& tracking, const std::string& run_id) const;
  Result<Lineage> lineage_of(const Project& project, const Pipeline& pipeline);
  std::vector<dataset::ObjectEvent> with_versions(std::vector<dataset::ObjectEvent> events);
  static bool matches(const Lineage& lineage, const std::string& what);

  ServerPorts& ports_;
  Pipelines pipelines_;
  Sources sources_;
  Candidates candidates_;
  Deliveries deliveries_;
  Gate gate_;
  Refs refs_;
  Environments environments_;
  BuiltinRunner runner_;
  bool started_ = false;  ///< state thread only
};

}  // namespace tidegate::app
