// The class behind open_store(); its methods are spread over store_*.cc by subject.
#pragma once

#include "adapters/sqlite/database.h"
#include "adapters/sqlite/vault.h"
#include "app/ports/store.h"

namespace tidegate::sqlite {

class SqliteStore final : public app::Store {
 public:
  SqliteStore(Database database, Vault vault) : db_(std::move(database)), vault_(std::move(vault)) {}

  Status transaction(const std::function<Status()>& work) override { return db_.transaction(work); }

  Result<app::Project> add_project(const std::string& path, const std::string& default_branch,
                                   Instant now) override;
  Result<std::vector<app::Project>> projects() override;
  Result<std::optional<app::Project>> project(ProjectId id) override;
  Result<std::optional<app::Project>> project_by_path(const std::string& path) override;
  Result<std::int64_t> add_token(const app::Token& token) override;
  Result<std::optional<app::Token>> token_by_hash(const std::string& sha256) override;
  Result<std::vector<app::Token>> tokens(ProjectId project) override;
  Status remove_token(ProjectId project, std::int64_t id) override;
  Status set_variable(ProjectId project, const app::ProjectVariable& variable) override;
  Status remove_variable(ProjectId project, const std::string& key) override;
  Result<std::vector<app::ProjectVariable>> variables(ProjectId project) override;
  Result<std::vector<std::pair<std::string, std::string>>> known_refs(ProjectId project) override;
  Status set_known_ref(ProjectId project, const std::string& ref, const std::string& sha) override;

  Result<std::optional<Instant>> source_baseline(ProjectId project, const std::string& source) override;
  Status set_source_baseline(ProjectId project, const std::string& source, Instant when) override;
  Result<std::int64_t> add_event(const app::EventRecord& event) override;
  Status set_event_version(std::int64_t event, VersionId version) override;
  Result<std::vector<app::EventRecord>> events(ProjectId project, const std::string& source,
                                               VersionId version, std::int64_t limit) override;
  Result<std::optional<app::EventRecord>> event_of(VersionId version) override;
  Status add_contact(const app::Contact& contact) override;
  Result<std::vector<app::Contact>> contacts(ProjectId project, const std::string& source) override;
  Result<bool> event_seen(ProjectId project, const std::string& source, const std::string& identity) override;
  Result<std::optional<app::KeyRecord>> key(ProjectId project, const std::string& source,
                                            const std::string& key) override;
  Status set_key(ProjectId project, const std::string& source, const std::string& key,
                 const app::KeyRecord& record) override;
  using Keys = std::vector<std::pair<std::string, app::KeyRecord>>;
  Result<Keys> keys_between(ProjectId project, const std::string& source, const std::string& first,
                            const std::string& last) override;
  Result<Keys> baseline_keys(ProjectId project, const std::string& source, const std::string& after,
                             std::int64_t limit) override;
  Result<std::optional<app::ListingRecord>> listing(ProjectId project, const std::string& source) override;
  Status save_listing(ProjectId project, const std::string& source,
                      const app::ListingRecord& listing) override;
  Status end_listing(ProjectId project, const std::string& source) override;

  Result<app::Version> add_version(app::Version version) override;
  Status save_version(const app::Version& version) override;
  Result<std::optional<app::Version>> version(VersionId id) override;
  Result<std::vector<app::Version>> versions(ProjectId project, const std::string& source,
                                             std::int64_t limit) override;
  Result<std::optional<app::Version>> version_numbered(ProjectId project, const std::string& source,
                                                       std::int64_t number) override;
  Result<std::vector<app::Version>> unfinished_versions() override;
  Result<std::vector<app::Version>> waiting_versions(ProjectId project, const std::string& source,
                                                     std::int64_t limit) override;
  Result<std::optional<app::Version>> version_under_way(ProjectId project,
                                                        const std::string& source) override;
  Result<std::optional<app::Version>> live_version(ProjectId project, const std::string& source) override;
  Result<std::vector<app::Version>> live_versions(ProjectId project) override;
  Status merge_version(VersionId from, VersionId into) override;
  Result<std::int64_t> count_events(VersionId version) override;
  Result<std::vector<app::SetMember>> members(VersionId version) override;
  Status set_members(const app::Version& version, const std::vector<app::SetMember>& members) override;
  Status add_data_action(const app::DataAction& action) override;
  Result<std::vector<app::DataAction>> data_actions(ProjectId project, const std::string& source,
                                                    std::int64_t limit) override;
  Result<std::optional<app::DataAction>> pin(ProjectId project, const std::string& source) override;
  Result<std::optional<app::DataAction>> quarantined_data(ProjectId project, const std::string& source,
                                                          const std::string& identity,
                                                          const std::string& sha256) override;
  Result<std::optional<app::Version>> version_of_object(ProjectId project, const std::string& source,
                                                        const std::string& key,
                                                        const std::string& object_version) override;
  Result<std::optional<app::Version>> version_of_candidate(ProjectId project,
                                                           const std::string& sha) override;

  Result<std::optional<app::GateRecord>> gate_record(VersionId version) override;
  Status put_gate_record(const app::GateRecord& record) override;
  Result<std::optional<app::GateRecord>> quarantined_bytes(ProjectId project, const std::string& source,
                                                           const std::string& sha256) override;
  Result<int> count_diagnoses(ProjectId project, const std::string& source, Instant since) override;

  Result<app::Pipeline> add_pipeline(app::Pipeline pipeline, std::vector<app::Job>& jobs) override;
  Status save_pipeline(const app::Pipeline& pipeline) override;
  Result<std::optional<app::Pipeline>> pipeline(PipelineId id) override;
  Result<std::vector<app::Pipeline>> pipelines(ProjectId project, const app::PipelineFilter& filter,
                                               std::int64_t limit, std::int64_t offset) override;
  Result<std::int64_t> count_pipelines(ProjectId project, const app::PipelineFilter& filter) override;
  Result<std::vector<app::Pipeline>> downstream_of(PipelineId pipeline) override;
  Result<std::vector<app::Pipeline>> unsettled_pipelines() override;
  Status add_resource_group(ProjectId project, const std::string& key) override;
  Result<std::vector<app::ResourceGroup>> resource_groups(ProjectId project) override;
  Status set_process_mode(ProjectId project, const std::string& key, pipeline::ProcessMode mode) override;
  Result<JobId> add_job(app::Job& job) override;
  Status save_job(const app::Job& job) override;
  Result<std::optional<app::Job>> job(JobId id) override;
  Result<std::optional<app::Job>> job_by_token(const std::string& token) override;
  Result<std::vector<app::Job>> followers(PipelineId pipeline) override;
  Result<std::vector<app::Job>> jobs(PipelineId pipeline) override;
  Result<std::int64_t> add_artifact(const app::Artifact& artifact) override;
  Result<std::vector<app::Artifact>> artifacts(JobId job) override;
  Result<std::vector<app::Artifact>> expired_artifacts(Instant now, std::int64_t limit) override;
  Status remove_artifact(std::int64_t id) override;

  Result<app::EnvironmentRecord> put_environment(app::EnvironmentRecord environment) override;
  Status remove_environment(std::int64_t id) override;
  Result<std::vector<app::EnvironmentRecord>> environments(ProjectId project) override;
  Result<std::optional<app::EnvironmentRecord>> environment(ProjectId project,
                                                            const std::string& name) override;
  Result<std::vector<app::EnvironmentRecord>> overdue_environments(Instant now) override;
  Status put_deployment(const app::DeploymentRecord& deployment) override;
  Result<std::vector<app::DeploymentRecord>> deployments(ProjectId project, std::int64_t environment,
                                                         std::int64_t limit) override;
  Status add_release(const app::ReleaseRecord& release) override;
  Result<std::vector<app::ReleaseRecord>> releases(ProjectId project) override;

  Result<DeploymentId> add_delivery(const app::Delivery& delivery) override;
  Status save_delivery(const app::Delivery& delivery) override;
  Result<std::optional<app::Delivery>> delivery_by_key(const std::string& key) override;
  Result<std::vector<app::Delivery>> deliveries_of(PipelineId pipeline) override;
  Result<std::vector<app::Delivery>> deliveries(ProjectId project, const std::string& target,
                                                std::int64_t limit) override;
  Result<std::vector<app::Delivery>> open_rollbacks() override;
  Status quarantine(ProjectId project, const app::Quarantined& entry) override;
  Result<std::vector<app::Quarantined>> quarantined(ProjectId project) override;
  Status lift_quarantine(ProjectId project, const std::string& digest) override;

  Result<lineage::Link> lineage_head(ProjectId project) override;
  Status add_lineage(ProjectId project, const lineage::Entry& entry,
                     const std::vector<lineage::Name>& names) override;
  Result<std::vector<lineage::Entry>> lineage_after(ProjectId project, std::int64_t number,
                                                    std::int64_t limit) override;
  Result<std::vector<lineage::Entry>> lineage_named(ProjectId project, const std::string& what) override;
  Result<std::vector<lineage::Entry>> lineage_of(ProjectId project, PipelineId pipeline) override;
  Result<std::vector<app::TrainingRun>> training_runs(ProjectId project, const std::string& release) override;
  Status put_training_run(ProjectId project, const app::TrainingRun& run) override;
  Result<app::ModelAliases> model_aliases(ProjectId project, const std::string& target,
                                          const std::string& model) override;
  Status put_model_aliases(ProjectId project, const std::string& target, const std::string& model,
                           const app::ModelAliases& aliases) override;

 private:
  using Values = std::vector<Value>;

  /// Every row that `sql` gives, each turned into a T by `read`.
  template <class T, class Read>
  Result<std::vector<T>> all(std::string_view sql, const Values& values, Read read) {
    std::vector<T> out;
    TG_CHECK(db_.query(sql, values, [&](const Row& row) { out.push_back(read(row)); }));
    return out;
  }
  /// The first such row, if any.
  template <class T, class Read>
  Result<std::optional<T>> first(std::string_view sql, const Values& values, Read read) {
    std::optional<T> out;
    TG_CHECK(db_.query(sql, values, [&](const Row& row) {
      if (!out) out = read(row);
    }));
    return out;
  }
  Result<std::vector<app::Version>> read_versions(const std::string& where, const Values& values);
  Result<std::vector<app::DataAction>> read_actions(const std::string& where, const Values& values);
  Result<std::optional<app::GateRecord>> read_gate(const std::string& where, const Values& values);
  Result<std::vector<app::Pipeline>> read_pipelines(const std::string& where, const Values& values);
  Result<std::vector<app::Job>> read_jobs(const std::string& where, const Values& values);
  Result<std::vector<app::Artifact>> read_artifacts(const std::string& where, const Values& values);
  Result<std::vector<app::EnvironmentRecord>> read_environments(const std::string& where,
                                                                const Values& values);
  Status read_bridge(const std::string& sealed, app::Job& job);
  Result<std::vector<app::Delivery>> read_deliveries(const std::string& where, const Values& values);
  Result<std::vector<lineage::Entry>> read_lineage(const std::string& where, const Values& values);

  Database db_;
  Vault vault_;
};

/// The first of several, if any.
template <class T>
Result<std::optional<T>> only(Result<std::vector<T>> found) {
  if (!found) return found.error();
  if (found->empty()) return std::optional<T>();
  return std::optional<T>(std::move(found->front()));
}

}  // namespace tidegate::sqlite
