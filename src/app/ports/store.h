// Store: everything the server remembers. One transaction per decision; what it has returned survives kill
// -9.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "app/ports/contact.h"
#include "app/ports/data_store.h"
#include "app/ports/gate_record.h"
#include "app/ports/lineage_store.h"
#include "base/id.h"
#include "base/result.h"
#include "base/secret.h"
#include "base/time.h"
#include "dataset/event.h"
#include "dataset/intake.h"
#include "dataset/version_state.h"
#include "pipeline/job_message.h"
#include "pipeline/job_options.h"
#include "pipeline/machine.h"
#include "pipeline/resource_group.h"

namespace tidegate::app {

struct Project {
  ProjectId id;
  std::string path;  ///< group/name
  std::string default_branch = "main";
  Instant created_at{};
};

/// What a token lets its holder do. kAdmin: everything; kProject: API and Git of one project; kTrigger: start
/// pipelines; kHook: announce objects.
enum class TokenKind : std::uint8_t { kAdmin, kProject, kTrigger, kHook };
std::string_view to_string(TokenKind kind);

/// Only the SHA-256 of a token is kept; of hook tokens also the token itself, sealed: it can be the key that
/// a message is signed with.
struct Token {
  std::int64_t id = 0;
  TokenKind kind = TokenKind::kProject;
  ProjectId project;  ///< 0 for admin tokens
  std::string name;
  std::string sha256;
  Instant created_at{};
  std::string source = {};  ///< kHook: announces objects of this source only; empty: of all
  Secret key = {};          ///< kHook: the token itself
};

struct ProjectVariable {
  std::string key;
  std::string value;
  bool masked = false;
  bool is_protected = false;  ///< only for pipelines of protected refs, never for candidates
  bool raw = false;
  bool file = false;
};

/// An event as it was recorded, with what was decided about it and why.
struct EventRecord {
  std::int64_t id = 0;
  ProjectId project;
  std::string source;
  dataset::ObjectEvent event;
  std::string identity;
  std::string verdict;
  std::string reason;
  VersionId version;  ///< the dataset version that it made, or is a member of; 0: none
  Instant received_at{};
  std::int64_t number = 0;  ///< of the version that it became part of in the end; 0: none. Not stored
};

/// What is remembered of one key of a source.
struct KeyRecord {
  dataset::KeyState state;
  std::string etag;
  std::uint64_t size = 0;
};

using dataset::is_final;
using dataset::parse_version_state;
using dataset::VersionState;

struct Version {
  VersionId id;
  ProjectId project;
  std::string source;
  std::int64_t number = 0;  ///< counts from 1 within the source
  std::string identity;
  std::string bucket;
  std::string key;
  std::string object_version;
  std::string etag;
  std::uint64_t size = 0;
  std::string sha256;  ///< empty until fetched
  std::string uri;     ///< what the code is bound to
  VersionState state = VersionState::kWaiting;
  std::string reason;  ///< why it is in this state, for people
  std::string branch;
  std::string base_sha;
  std::string candidate_sha;
  PipelineId pipeline;
  int attempt = 0;  ///< candidates made for it
  Instant created_at{};
  Instant due_at{};  ///< kWaiting: not before
  std::optional<Instant> finished_at;
  bool is_set = false;   ///< of several objects: see Store::members. `key` is the manifest, or the folder
  bool by_hand = false;  ///< asked for (replay, backfill): runs as itself, supersedes nothing
  std::string because;   ///< why its events became this version, for people; empty until it runs
  VersionId became;      ///< of a superseded one: the version that its events became part of
};

struct Pipeline {
  PipelineId id;
  ProjectId project;
  std::int64_t iid = 0;
  std::string ref;  ///< branch or tag name that CI_COMMIT_REF_NAME says
  bool is_tag = false;
  std::string sha;
  std::string before_sha;
  std::string source;  ///< push, …; "probe": a diagnosis of its version runs it
  std::string name;
  pipeline::JobStatus status = pipeline::JobStatus::kCreated;
  VersionId version;    ///< of the candidate; 0: not a data pipeline
  PipelineId upstream;  ///< whose trigger job started it; 0: nobody's. Source parent_pipeline: its child
  JobId bridge;         ///< that trigger job
  std::string yaml_errors;
  std::vector<std::string> stages;
  pipeline::JobVariables variables;
  config::OnNewCommit on_new_commit = config::OnNewCommit::kConservative;
  config::OnJobFailure on_job_failure = config::OnJobFailure::kNone;
  Instant created_at{};
  std::optional<Instant> started_at;
  std::optional<Instant> finished_at;
  bool settled = false;  ///< what follows its end (promotion, roll back) is done
};

struct Job {
  pipeline::JobState state;
  PipelineId pipeline;
  ProjectId project;
  std::string stage;
  pipeline::JobMessage message;
  std::string reason;  ///< why it was created
  std::string runner;  ///< who holds it
  std::optional<pipeline::Bridge> bridge;
  PipelineId downstream;  ///< of a bridge: the pipeline that it started or follows; 0: none yet
  Instant created_at{};
  std::optional<Instant> queued_at;
  std::optional<Instant> started_at;
  std::optional<Instant> finished_at;
  std::optional<Instant> due_at;  ///< delayed jobs
  pipeline::JobOptions options = {};
  std::optional<config::Environment> environment = std::nullopt;  ///< expanded as far as known beforehand
  std::optional<double> coverage = std::nullopt;
  std::string log_sha256 = {};  ///< of the whole log; empty until it has ended, and for jobs without one
};

/// An environment of a project: the place that jobs deploy to (`environment:`).
struct EnvironmentRecord {
  std::int64_t id = 0;
  ProjectId project;
  std::string name;
  std::string slug;
  std::string tier;
  std::string url;
  std::string state = "available";  ///< available, stopping, stopped
  std::string on_stop;              ///< the job that stops it, of the pipeline of `last_job`
  JobId last_job;                   ///< the last that deployed to it; 0: none
  std::optional<Instant> auto_stop_at;
  Instant created_at{};
  Instant updated_at{};
};

/// One job's deployment to an environment.
struct DeploymentRecord {
  std::int64_t id = 0;
  std::int64_t environment = 0;
  ProjectId project;
  PipelineId pipeline;
  JobId job;
  std::string ref;
  bool is_tag = false;
  std::string sha;
  std::string status;  ///< running, success, failed, canceled
  Instant created_at{};
  Instant updated_at{};
};

/// A release of a project (`release:`).
struct ReleaseRecord {
  ProjectId project;
  config::Release release;  ///< tag_name is unique in the project
  std::string sha;          ///< of the tag's commit
  JobId job;
  Instant created_at{};
  Instant released_at{};
};

/// A resource group of a project: known since the first job that named it.
struct ResourceGroup {
  std::int64_t id = 0;
  std::string key;
  pipeline::ProcessMode mode = pipeline::ProcessMode::kUnordered;
};

struct Artifact {
  std::int64_t id = 0;
  JobId job;
  std::string type;
  std::string format;
  std::string file;       ///< on the server
  std::string file_name;  ///< for people
  std::uint64_t size = 0;
  std::string sha256;
  std::optional<Instant> expire_at;  ///< nothing: kept for ever
};

/// A release onto a target, or a graph load: both flip something and can be flipped back.
enum class DeliveryKind : std::uint8_t { kRelease, kGraph };
std::string_view to_string(DeliveryKind kind);

struct Delivery {
  DeploymentId id;
  DeliveryKind kind = DeliveryKind::kRelease;
  std::string key;  ///< stable name of the request; the same request is the same delivery
  ProjectId project;
  PipelineId pipeline;     ///< of a rollback by hand: 0
  JobId job;               ///< 0: a person asked for it
  std::string target;      ///< name in tidegate.yml
  std::string place;       ///< host and folder of the target, or the graph's database
  std::string state;       ///< running, live, failed, rolled_back
  std::string repository;  ///< releases
  std::string digest;      ///< releases
  std::string release;     ///< release id or graph version
  std::string previous;
  std::string message;
  std::string by;  ///< who asked for it: a job, or the name of a token
  Instant created_at{};
  std::optional<Instant> finished_at;
};

struct Quarantined {
  std::string digest;
  std::string reason;
  Instant at{};
};

/// Which pipelines of a project; what is empty does not matter. The filters of API v4's list of pipelines.
struct PipelineFilter {
  std::string ref;
  std::string sha;
  std::string source;
  std::optional<pipeline::JobStatus> status;
};

/// Called on the server's state thread only. A failing disk is an Error (kUnavailable) and nothing has
/// changed.
class Store : public LineageStore, public DataStore {
 public:
  /// Runs `work` in one transaction: all of it survives or none. Nested calls join the outer one.
  virtual Status transaction(const std::function<Status()>& work) = 0;

  virtual Result<Project> add_project(const std::string& path, const std::string& default_branch,
                                      Instant now) = 0;
  virtual Result<std::vector<Project>> projects() = 0;
  virtual Result<std::optional<Project>> project(ProjectId id) = 0;
  virtual Result<std::optional<Project>> project_by_path(const std::string& path) = 0;

  virtual Result<std::int64_t> add_token(const Token& token) = 0;
  virtual Result<std::optional<Token>> token_by_hash(const std::string& sha256) = 0;
  virtual Result<std::vector<Token>> tokens(ProjectId project) = 0;
  /// kNotFound: the project has no such token.
  virtual Status remove_token(ProjectId project, std::int64_t id) = 0;

  virtual Status set_variable(ProjectId project, const ProjectVariable& variable) = 0;
  virtual Status remove_variable(ProjectId project, const std::string& key) = 0;
  virtual Result<std::vector<ProjectVariable>> variables(ProjectId project) = 0;

  virtual Result<std::vector<std::pair<std::string, std::string>>> known_refs(ProjectId project) = 0;
  virtual Status set_known_ref(ProjectId project, const std::string& ref, const std::string& sha) = 0;

  virtual Result<std::optional<Instant>> source_baseline(ProjectId project, const std::string& source) = 0;
  virtual Status set_source_baseline(ProjectId project, const std::string& source, Instant when) = 0;
  virtual Result<std::int64_t> add_event(const EventRecord& event) = 0;
  virtual Status set_event_version(std::int64_t event, VersionId version) = 0;
  /// Newest first. Of a version: also those of the versions that were merged into it.
  virtual Result<std::vector<EventRecord>> events(ProjectId project, const std::string& source,
                                                  VersionId version, std::int64_t limit) = 0;
  /// The same once more (all but detail, count and times): counted, with the new detail and time. Of those
  /// that were refused the newest 100 of a project are kept.
  virtual Status add_contact(const Contact& contact) = 0;
  /// Newest first; source empty: all.
  virtual Result<std::vector<Contact>> contacts(ProjectId project, const std::string& source) = 0;
  /// An event of this identity has become part of a dataset version.
  virtual Result<bool> event_seen(ProjectId project, const std::string& source,
                                  const std::string& identity) = 0;
  virtual Result<std::optional<KeyRecord>> key(ProjectId project, const std::string& source,
                                               const std::string& key) = 0;
  virtual Status set_key(ProjectId project, const std::string& source, const std::string& key,
                         const KeyRecord& record) = 0;

  /// Gives it an id and a number.
  virtual Result<Version> add_version(Version version) = 0;
  virtual Status save_version(const Version& version) = 0;
  virtual Result<std::optional<Version>> version(VersionId id) = 0;
  /// Newest first; source empty: all sources.
  virtual Result<std::vector<Version>> versions(ProjectId project, const std::string& source,
                                                std::int64_t limit) = 0;
  virtual Result<std::vector<Version>> unfinished_versions() = 0;
  virtual Result<std::optional<Version>> version_of_object(ProjectId project, const std::string& source,
                                                           const std::string& key,
                                                           const std::string& object_version) = 0;
  virtual Result<std::optional<Version>> version_of_candidate(ProjectId project, const std::string& sha) = 0;

  virtual Result<std::optional<GateRecord>> gate_record(VersionId version) = 0;
  virtual Status put_gate_record(const GateRecord& record) = 0;
  /// The newest quarantine of these bytes in the source.
  virtual Result<std::optional<GateRecord>> quarantined_bytes(ProjectId project, const std::string& source,
                                                              const std::string& sha256) = 0;
  virtual Result<int> count_diagnoses(ProjectId project, const std::string& source, Instant since) = 0;

  /// Gives it an id and an iid; jobs get ids in their order.
  virtual Result<Pipeline> add_pipeline(Pipeline pipeline, std::vector<Job>& jobs) = 0;
  virtual Status save_pipeline(const Pipeline& pipeline) = 0;
  virtual Result<std::optional<Pipeline>> pipeline(PipelineId id) = 0;
  /// Newest first; child pipelines and probes only where the filter names their source.
  virtual Result<std::vector<Pipeline>> pipelines(ProjectId project, const PipelineFilter& filter,
                                                  std::int64_t limit, std::int64_t offset) = 0;
  virtual Result<std::int64_t> count_pipelines(ProjectId project, const PipelineFilter& filter) = 0;
  /// Those that the trigger jobs of this one have started, oldest first.
  virtual Result<std::vector<Pipeline>> downstream_of(PipelineId pipeline) = 0;
  virtual Result<std::vector<Pipeline>> unsettled_pipelines() = 0;

  virtual Result<JobId> add_job(Job& job) = 0;
  /// Everything but the message and token.
  virtual Status save_job(const Job& job) = 0;
  virtual Result<std::optional<Job>> job(JobId id) = 0;
  virtual Result<std::optional<Job>> job_by_token(const std::string& token) = 0;
  /// Bridges that started or follow this pipeline, but for those that were retried.
  virtual Result<std::vector<Job>> followers(PipelineId pipeline) = 0;
  /// In the order of the pipeline; retried ones too.
  virtual Result<std::vector<Job>> jobs(PipelineId pipeline) = 0;

  /// Nothing happens when the project has it already.
  virtual Status add_resource_group(ProjectId project, const std::string& key) = 0;
  /// By key.
  virtual Result<std::vector<ResourceGroup>> resource_groups(ProjectId project) = 0;
  virtual Status set_process_mode(ProjectId project, const std::string& key, pipeline::ProcessMode mode) = 0;

  virtual Result<std::int64_t> add_artifact(const Artifact& artifact) = 0;
  virtual Result<std::vector<Artifact>> artifacts(JobId job) = 0;
  /// Up to `limit` that expired before `now` and whose ref is gone or has a newer pipeline that succeeded:
  /// those of the newest one are kept, as on GitLab.
  virtual Result<std::vector<Artifact>> expired_artifacts(Instant now, std::int64_t limit) = 0;
  virtual Status remove_artifact(std::int64_t id) = 0;

  /// By project and name: updated when it is there (the id is given back), else added.
  virtual Result<EnvironmentRecord> put_environment(EnvironmentRecord environment) = 0;
  virtual Status remove_environment(std::int64_t id) = 0;
  /// In the order of their names.
  virtual Result<std::vector<EnvironmentRecord>> environments(ProjectId project) = 0;
  virtual Result<std::optional<EnvironmentRecord>> environment(ProjectId project,
                                                               const std::string& name) = 0;
  /// Of all projects: available, and their time is over.
  virtual Result<std::vector<EnvironmentRecord>> overdue_environments(Instant now) = 0;
  /// By job: updated when it is there, else added.
  virtual Status put_deployment(const DeploymentRecord& deployment) = 0;
  /// Newest first; environment 0: all.
  virtual Result<std::vector<DeploymentRecord>> deployments(ProjectId project, std::int64_t environment,
                                                            std::int64_t limit) = 0;

  /// kConflict when the project has a release of this tag from another job.
  virtual Status add_release(const ReleaseRecord& release) = 0;
  /// Newest first.
  virtual Result<std::vector<ReleaseRecord>> releases(ProjectId project) = 0;

  virtual Result<DeploymentId> add_delivery(const Delivery& delivery) = 0;
  virtual Status save_delivery(const Delivery& delivery) = 0;
  virtual Result<std::optional<Delivery>> delivery_by_key(const std::string& key) = 0;
  /// Of all projects: rollbacks by hand that have no outcome.
  virtual Result<std::vector<Delivery>> open_rollbacks() = 0;
  virtual Result<std::vector<Delivery>> deliveries_of(PipelineId pipeline) = 0;
  /// Newest first; target empty: all.
  virtual Result<std::vector<Delivery>> deliveries(ProjectId project, const std::string& target,
                                                   std::int64_t limit) = 0;

  virtual Status quarantine(ProjectId project, const Quarantined& entry) = 0;
  virtual Result<std::vector<Quarantined>> quarantined(ProjectId project) = 0;
  /// kNotFound: the digest is not quarantined.
  virtual Status lift_quarantine(ProjectId project, const std::string& digest) = 0;
};

}  // namespace tidegate::app
