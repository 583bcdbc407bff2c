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
#include "app/server/group_commit.h"
#include "app/server/pipelines.h"
#include "app/server/refs.h"
#include "app/server/server_ports.h"
#include "app/server/sources.h"
#include "app/server/tracker.h"

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
  std::vector<TrackedRun> runs;         ///< training runs of those releases
  std::vector<lineage::Entry> records;  ///< what was decided, in order
};

/// What a verification of a project's records found.
struct LineageCheck {
  lineage::Link head;  ///< the last record that is good
  std::int64_t logs = 0;
  std::int64_t objects = 0;
  std::int64_t commits = 0;
  std::int64_t broken = 0;  ///< number of the first record that is not; 0: all are
  std::string why;
};

/// A delivery with all that is on record about why it was made. Texts may be empty.
struct DeliveryStory {
  Delivery delivery;
  std::optional<Pipeline> pipeline;
  std::optional<Version> version;
  std::string author;    ///< of the commit
  std::string title;     ///< its first line
  bool is_live = false;  ///< by what we know: nothing has taken its place
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
  /// The token with this SHA-256 (hex), for who proves otherwise that they have it: with its key.
  Result<Token> token_of_hash(const std::string& sha256);
  /// By number or path.
  Result<Project> project(const std::string& id_or_path);
  Result<std::vector<Project>> projects();
  Result<Project> create_project(const std::string& path, const std::string& default_branch);
  /// The token itself is returned once. `source`: a hook token for that source only.
  Result<std::string> create_token(TokenKind kind, ProjectId project, const std::string& name,
                                   const std::string& source = {});
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
  /// Routes by bucket: each event to every source (of the project, or of all) that reads from its bucket.
  /// kNotFound, with nothing recorded, when there is none for one of them. Durable when it returns.
  Result<Sources::Accepted> announce_by_bucket(ProjectId project,
                                               const std::vector<dataset::ObjectEvent>& events);
  /// Remembers what came and is no event. `contact.project` 0: every project that has a source of this name.
  Status note(const Contact& contact);
  Result<std::vector<Contact>> contacts(ProjectId project, const std::string& source);
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
  /// Of a set.
  Result<std::vector<SetMember>> members(VersionId version);

  // What people do to data. Each is recorded with who did it and why before it takes effect. kNotFound: there
  // is no such source or version (any more); kInvalid: no reason is given.

  /// Who asked, and why.
  struct Deed {
    std::string who;
    std::string reason;
  };
  /// What is final goes through the gate again, at once, as a new version of the source. kConflict: the
  /// version is under way, or in quarantine.
  Result<Version> replay(ProjectId project, const std::string& source, std::int64_t number, const Deed& deed);
  /// The source stays at this version, the live one; what lands waits. kConflict: another one is live, or one
  /// is under way.
  Status pin(ProjectId project, const std::string& source, std::int64_t number, const Deed& deed);
  Status unpin(ProjectId project, const std::string& source, const Deed& deed);
  /// A version that waits is not run. kConflict: it does not wait.
  Result<Version> skip(ProjectId project, const std::string& source, std::int64_t number, const Deed& deed);
  /// Neither this object version nor other objects of its bytes run again. One that waits is rejected, the
  /// pipeline of one that is tested is canceled. kConflict: it is in a step that cannot be stopped.
  Result<Version> quarantine_data(ProjectId project, const std::string& source, std::int64_t number,
                                  const Deed& deed);
  /// Takes that back. kConflict: it is not in quarantine.
  Result<Version> release_data(ProjectId project, const std::string& source, std::int64_t number,
                               const Deed& deed);
  /// Objects of the baseline become versions, oldest first; each runs by itself. Blocks: the bucket is asked
  /// for each. kInvalid: more than kMostBackfilled. kConflict: the first listing is not over yet.
  struct Backfill {
    std::optional<Instant> since;  ///< not older than this
    std::string match;             ///< glob on the key after the source's prefix; empty: all
  };
  static constexpr std::size_t kMostBackfilled = 1000;
  Result<std::vector<Version>> backfill(ProjectId project, const std::string& source, const Backfill& which,
                                        const Deed& deed);
  /// Newest first; source empty: of all.
  Result<std::vector<DataAction>> data_actions(ProjectId project, const std::string& source);
  /// Of every source that is pinned.
  Result<std::vector<DataAction>> pins(ProjectId project);

  Result<std::vector<EventRecord>> events(ProjectId project, const std::string& source, VersionId version);
  Result<std::vector<config::DataSource>> sources(ProjectId project);
  Result<std::vector<Delivery>> history(ProjectId project, const std::string& target, std::int64_t limit);
  /// The same, told at length. Blocks: commits are read from Git; what is not there is left out.
  Result<std::vector<DeliveryStory>> stories(ProjectId project, const std::string& target,
                                             std::int64_t limit);
  Result<std::vector<Quarantined>> quarantined(ProjectId project);
  /// The digest may be released again.
  Status lift_quarantine(ProjectId project, const std::string& digest);

  /// `what`: an object address or key, `source/number`, a commit (prefix), `#pipeline`, a digest, a release
  /// id, an MLflow run id. Blocks: the tracker is asked for the runs; one that does not answer leaves them
  /// out.
  Result<std::vector<Lineage>> lineage(ProjectId project, const std::string& what);
  /// In order, those after `number`.
  Result<std::vector<lineage::Entry>> lineage_after(ProjectId project, std::int64_t number,
                                                    std::int64_t limit);
  /// Walks the chain, and compares logs, objects and commits with what the records say; up to the first that
  /// is not as it was. `known`: a record that the chain must have. Blocks.
  Result<LineageCheck> verify_lineage(const Project& project, const std::optional<lineage::Link>& known);

  const ServerPorts& ports() const { return ports_; }

 private:
  Result<std::vector<DeliveryStory>> stored_stories(ProjectId project, const std::string& target,
                                                    std::int64_t limit);
  Result<Version> version_now(ProjectId project, const std::string& source, std::int64_t number);
  Status record(const std::string& action, const Version& version, const Deed& deed);
  Status check_deed(ProjectId project, const std::string& source, const Deed& deed) const;
  Result<std::vector<std::pair<std::string, KeyRecord>>> baseline_of(ProjectId project,
                                                                     const config::DataSource& source,
                                                                     const Backfill& which);
  Result<Pipeline> pipeline_now(ProjectId project, PipelineId id);
  Result<Job> job_now(ProjectId project, JobId id);
  Result<EnvironmentRecord> environment_now(ProjectId project, std::int64_t id);
  void sweep();
  Result<std::vector<Lineage>> stored_lineage(ProjectId project, const std::string& what);
  std::string release_of_run(Tracking& tracking, const Project& project, const std::string& run_id) const;
  Status add_runs(Lineage& lineage, Tracking* tracking);
  Result<Lineage> lineage_of(const Project& project, const Pipeline& pipeline);
  Result<Lineage> lineage_without_pipeline(const Project& project, const lineage::Entry& entry);
  using Route = std::function<Result<std::vector<std::pair<ProjectId, config::DataSource>>>(
      const dataset::ObjectEvent&)>;
  std::vector<dataset::ObjectEvent> with_versions(std::vector<dataset::ObjectEvent> events);
  Result<Sources::Accepted> record(const std::vector<dataset::ObjectEvent>& events, const Route& route);

  ServerPorts& ports_;
  Pipelines pipelines_;
  Sources sources_;
  GroupCommit announcements_;
  Candidates candidates_;
  Deliveries deliveries_;
  Gate gate_;
  Refs refs_;
  Environments environments_;
  Tracker tracker_;
  BuiltinRunner runner_;
  bool started_ = false;  ///< state thread only
};

}  // namespace tidegate::app
