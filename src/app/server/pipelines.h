// Pipelines: made from commits, moved by events, kept in the store. State thread only.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "app/server/objects.h"
#include "app/server/server_ports.h"
#include "config/inputs.h"
#include "config/load.h"
#include "config/project_file.h"
#include "dataset/diagnosis.h"
#include "pipeline/plan.h"

namespace tidegate::app {

/// A part of a candidate's pipeline, to be run for a diagnosis.
struct ProbeRequest {
  dataset::Probe kind = dataset::Probe::kOldData;
  std::vector<std::string> failed;  ///< the jobs that are looked into
};

/// What a pipeline is asked for.
struct PipelineRequest {
  ProjectId project;
  std::string ref;
  bool is_tag = false;
  std::string sha;
  std::string before_sha;  ///< empty: no base, `rules: changes` is true
  std::string source = "push";
  pipeline::JobVariables variables;
  config::GivenInputs inputs;  ///< for the configuration's spec:inputs
  VersionId version;           ///< of a candidate
  PipelineId upstream;         ///< whose trigger job asks; then `bridge` is that job
  JobId bridge;
  std::optional<pipeline::Bridge> child;  ///< the configuration is what this includes, not the project's own
  bool is_untrusted = false;          ///< somewhere above is a candidate: nothing that is protected goes here
  std::string data_source;            ///< whose data a candidate somewhere above was made for; empty: none
  std::optional<ProbeRequest> probe;  ///< only a part of it, stored as a probe of `version`
  std::string seen_ref;  ///< "refs/…" to be noted as seen at `sha` together with the pipeline; empty: none
};

/// Of data, by the name of its source.
using Addresses = std::map<std::string, std::string>;

class Pipelines {
 public:
  explicit Pipelines(ServerPorts& ports) : ports_(ports), objects_(ports) {}

  using OnCreated = std::function<void(Result<Pipeline>)>;
  using OnFinished = std::function<void(const Pipeline&)>;
  using OnPending = std::function<void()>;
  using OnCancel = std::function<void(JobId)>;
  using MayStart = std::function<Result<bool>(const Pipeline&, const Job&)>;

  /// Called for each pipeline that reaches its end, and again after a restart until it is settled.
  void on_finished(OnFinished callback) { finished_ = std::move(callback); }
  /// Called when there is something for the runner to take.
  void on_pending(OnPending callback) { pending_ = std::move(callback); }
  /// Called when the runner that holds the job must cancel it.
  void on_cancel(OnCancel callback) { cancel_ = std::move(callback); }

  /// Asked before a pending job is given to a runner; without one, all may start.
  void ask_before_start(MayStart question) { may_start_ = std::move(question); }
  /// What kept jobs from starting may have changed.
  void offer() {
    if (pending_) pending_();
  }

  /// Compiles in the background and stores. A refused configuration is a pipeline too (failed, with
  /// yaml_errors), except for a file that is missing or a workflow that filters it out (kInvalid). For a
  /// candidate, its version and the pipeline are stored in one transaction; for a probe, its gate record.
  /// kInvalid, kNotFound: the probe would tell nothing.
  void create(PipelineRequest request, OnCreated done);

  /// Takes up everything that was under way; running jobs were lost with the old process and are queued
  /// again.
  Status resume();

  /// The oldest pending job whose tags `accepts` takes, now running by `runner`; its message is complete.
  using Accepts = std::function<bool(const std::vector<std::string>& tags)>;
  Result<std::optional<Job>> take(const std::string& runner, const Accepts& accepts);
  void finish(JobId job, const JobOutcome& outcome);

  Status cancel(PipelineId pipeline);
  Status cancel_job(JobId job);
  Status play(JobId job);
  /// A failed or canceled job again; the id of the new one.
  Result<JobId> retry_job(JobId job);
  Status retry(PipelineId pipeline);

  /// kNotFound when the project has no such group.
  Status set_process_mode(ProjectId project, const std::string& group, pipeline::ProcessMode mode);

  /// What follows the pipeline's end is done.
  Status settle(PipelineId pipeline);

 private:
  /// What the store did not take is tried again after this.
  static constexpr Millis kTryAgain{2000};

  /// A pipeline under way, in memory; the store has the same.
  struct Active {
    Pipeline record;
    std::vector<Job> jobs;
    pipeline::State state;
  };

  struct Compiled {
    pipeline::Plan plan;
    std::vector<pipeline::JobData> data;
    pipeline::JobVariables bound;                     ///< addresses of data that are bound to variables
    std::string head;                                 ///< where the ref stood; empty: it is gone
    std::optional<std::vector<std::string>> network;  ///< globs of the jobs that have it; nothing: all
  };
  Result<Compiled> compile(const Project& project, const std::vector<Project>& projects,
                           const PipelineRequest& request, const pipeline::JobVariables& predefined,
                           const pipeline::JobVariables& variables, const Addresses& addresses) const;
  /// The address of each source's data, for those whose code does not name it: of the candidate, or what is
  /// live.
  Result<Addresses> addresses_of(const PipelineRequest& request);
  Result<pipeline::Plan> plan(GitRepository& repository, const PipelineRequest& request,
                              const pipeline::Context& context, config::Sources sources) const;
  /// The pipeline, its jobs and their resource groups; within a transaction.
  Status store_new(Pipeline& record, std::vector<Job>& jobs);
  Result<Pipeline> insert(const Project& project, const PipelineRequest& request, Compiled compiled);
  /// The candidate's version, or the diagnosis, has its pipeline; within the transaction that stores it.
  Status link_version(const PipelineRequest& request, const Pipeline& record);
  Job planned_job(const pipeline::PlannedJob& planned, const Compiled& compiled,
                  const Project& project) const;
  Result<pipeline::JobVariables> project_variables(const PipelineRequest& request, const Project& project);

  Result<Active*> active(PipelineId pipeline);
  Status resume_one(PipelineId pipeline);
  /// Sends the event, again and again while the store fails.
  void send(PipelineId pipeline, const pipeline::Event& event);
  void retry_when_possible(PipelineId pipeline, JobId job);
  Status apply(Active& active, const pipeline::Event& event);
  /// The same for an event that is made in the transaction of its own changes.
  Status change(Active& active, const std::function<Result<pipeline::Event>()>& make);
  Status save_changes(Active& active, const pipeline::State& next);
  void perform(Active& active, const std::vector<pipeline::Effect>& effects);
  Millis delay_left(Active& active, const pipeline::ScheduleJob& schedule);
  Result<JobId> clone(Active& active, JobId job);
  /// kNotFound: artifacts of another pipeline are not there. `reported`: what came from dotenv reports, which
  /// is in the message too; may be null.
  Status complete_message(Active& active, Job& job, pipeline::JobVariables* reported = nullptr);
  /// The artifacts of one job to another.
  Status give(const Job& giver, pipeline::JobDependency& dependency, pipeline::JobMessage& message,
              pipeline::JobVariables* reported);
  Status add_id_tokens(const Pipeline& record, Job& job);
  /// Adds what jobs elsewhere give. kNotFound: there is no such job with artifacts, or it is not for this
  /// project.
  Status add_elsewhere(const Job& job, pipeline::JobMessage& message, pipeline::JobVariables* reported);
  Result<Job> find_elsewhere(const Project& project, const pipeline::JobElsewhere& elsewhere);
  Result<std::optional<Job>> done_job(PipelineId pipeline, const std::string& name);

  // What pipelines share: resource groups, and a branch that only the newest should run for.
  void assign_soon(const Active& active, const std::vector<pipeline::Effect>& effects);
  void assign_resource(ProjectId project, const std::string& group);
  Result<std::optional<pipeline::ResourceUser>> next_user(ProjectId project, const std::string& group);
  Status cancel_redundant(const Pipeline& newer, const std::string& head);

  // --- trigger jobs (pipelines_bridges.cc)

  /// What a trigger job asks for: a pipeline to create, or one to follow; or why it may not.
  struct Asked {
    PipelineRequest request;
    std::optional<PipelineId> follow;
    std::string reason;  ///< GitLab's failure reason; empty: granted
    std::string words;
  };
  void start_bridge(PipelineId in, JobId job);
  void create_at_head(PipelineRequest request, OnCreated done);
  Result<Asked> ask_downstream(Active& active, const Job& job);
  static Asked refuse(std::string reason, std::string words);
  static Asked ask_child(const Pipeline& parent, const pipeline::Bridge& bridge,
                         const std::vector<Pipeline>& line, Asked asked);
  Result<Asked> ask_project(const Pipeline& from, const pipeline::Bridge& bridge,
                            const pipeline::Downstream& to, const std::vector<Pipeline>& line, Asked asked);
  Result<Asked> ask_to_follow(const std::string& project);
  void link_to(PipelineId in, JobId job, PipelineId other);
  void note(JobId job, const std::string& words) const;
  void refuse_bridge(PipelineId in, JobId job, const std::string& reason, const std::string& words);
  /// Stores the pipeline together with what becomes of the trigger job. kConflict: that one was canceled.
  Status insert_downstream(Pipeline& record, std::vector<Job>& jobs);
  /// A file of the artifacts of a job. From a worker.
  Result<std::string> artifact_of(PipelineId pipeline, const std::string& job, const std::string& path) const;
  void tell_followers(PipelineId pipeline, pipeline::JobStatus before, pipeline::JobStatus now);
  void tell_end(const Pipeline& record);
  void settle_child(PipelineId pipeline);
  void cancel_child(JobId bridge);
  Status cancel_children(PipelineId pipeline);
  Status catch_up_bridges(PipelineId pipeline);

  Job* find(Active& active, JobId job);

  ServerPorts& ports_;
  Objects objects_;  ///< lives as long as what it does in the background
  OnFinished finished_;
  OnPending pending_;
  OnCancel cancel_;
  MayStart may_start_;
  std::map<PipelineId, Active> active_;
  std::map<std::pair<Instant, JobId>, PipelineId> queue_;  ///< pending jobs, oldest first, then by id
  std::set<JobId> unmatched_;                              ///< of those, the ones whose tags nobody has
};

/// The data that a commit's bindings name, to be resolved against the store. Of a source that is bound to a
/// variable: what `given` (variables of the pipeline) or else `addresses` says. Blocking.
struct NamedData {
  std::string source;
  std::string uri;
  bool is_set = false;
  std::string variable;  ///< it is to be in; empty: the code names it
};

std::vector<NamedData> named_data(GitRepository& repository, const std::string& sha,
                                  const config::ProjectFile& file, const pipeline::JobVariables& given,
                                  const Addresses& addresses);

}  // namespace tidegate::app
