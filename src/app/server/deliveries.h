// Deliveries: releases and graph loads that jobs ask for, and taking them back.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "app/server/candidates.h"
#include "app/server/server_ports.h"
#include "config/project_file.h"

namespace tidegate::app {

/// What a job asked for came to, in words for its log.
struct DeliveryReport {
  bool good = false;
  std::string message;
};

/// What is live on a target's hosts, compared with what was made live.
struct TargetDrift {
  std::string target;
  Instant at{};
  std::vector<DriftInfo> found;
  std::string unknown;  ///< not empty: it could not be compared, and this is why
};

class Deliveries {
 public:
  Deliveries(ServerPorts& ports, const Candidates& candidates) : ports_(ports), candidates_(candidates) {}

  // --- called by request handlers on their own threads; they block until it is done ---

  /// `tidegate deploy TARGET` in the job that holds the token. Progress lines go to `say`. The same job
  /// asking again (after a restart) continues or is told the outcome.
  Result<DeliveryReport> deploy(const std::string& job_token, const std::string& target,
                                const std::function<void(std::string_view)>& say);
  /// `tidegate load GRAPH [--check]`.
  Result<DeliveryReport> load(const std::string& job_token, const std::string& graph, bool check_only,
                              const std::function<void(std::string_view)>& say);
  /// `tidegate rollback TARGET [--to RELEASE]`; `by` says who, for people.
  Result<DeliveryReport> roll_back_by_hand(ProjectId project, const std::string& target,
                                           const std::string& to, const std::string& by,
                                           const std::function<void(std::string_view)>& say);
  Result<std::vector<ReleaseInfo>> releases(ProjectId project, const std::string& target);
  Result<std::vector<GraphVersionInfo>> graph_versions(ProjectId project, const std::string& graph);
  /// Asks the hosts; target empty: all of the project's.
  Result<std::vector<TargetDrift>> drift(ProjectId project, const std::string& target);
  /// What was found last, by people or by watch_drift. Any thread.
  std::optional<TargetDrift> last_drift(ProjectId project, const std::string& target);

  // --- called on the loop ---

  /// Called whenever something went live or was taken back, or may have been.
  void on_moved(std::function<void()> callback) { moved_ = std::move(callback); }
  /// Goes on with people's rollbacks that the last process left without an outcome.
  Status resume();
  /// Compares all targets every now and then (ServerSettings::drift_every), from now on.
  void watch_drift();

  // --- called on workers ---

  // Both are for the deliveries of a pipeline that is over, made at commit `sha`; both are idempotent, and
  // first end what its jobs left without an outcome.

  /// Flips back what these deliveries made live, newest first; what was replaced since stays.
  Status take_back(const Project& project, const std::vector<Delivery>& deliveries, const std::string& sha);
  /// Moves `latest` of each released image to the digest that is live now.
  Status move_latest(const Project& project, const std::vector<Delivery>& deliveries, const std::string& sha);

 private:
  /// What a running job is and what its commit says; made on the loop, read anywhere.
  struct JobContext {
    Job job;
    Pipeline pipeline;
    Project project;
    std::optional<Version> version;
    std::vector<Quarantined> quarantined;
  };
  Result<JobContext> job_context(const std::string& job_token);
  Result<config::ProjectFile> project_file(const Project& project, const std::string& sha) const;
  Result<Delivery> begin(const JobContext& context, DeliveryKind kind, const std::string& target,
                         const std::string& place, const std::string& repository);
  std::string key_of(const std::string& what) const;
  Result<Delivery> begin_by_hand(const Project& project, Delivery delivery);
  Status finish_by_hand(Delivery& delivery, bool moved, const std::string& message);
  Result<DeliveryReport> flip_by_hand(const config::Target& target, Delivery& delivery,
                                      const std::function<void(std::string_view)>& say, bool& flipped);
  Result<DeliveryReport> flip_graph_by_hand(const config::Graph& graph, Delivery& delivery);
  void go_on_by_hand(const Project& project, Delivery delivery);
  void go_on_later(const Project& project, const Delivery& delivery);
  TargetDrift drift_of(ProjectId project, const config::Target& target);
  Result<std::vector<Delivery>> settle(const Project& project, const std::vector<Delivery>& deliveries,
                                       const std::string& sha);
  Status close_running(const Project& project, Delivery& delivery, const std::string& sha);
  Status close_release(const config::ProjectFile& file, Delivery& delivery);
  Status close_load(const config::ProjectFile& file, Delivery& delivery);
  Status flip_back(const Project& project, Delivery& delivery, const std::string& sha);
  Status still_runs(JobId id);
  Status goes_live(const Delivery& delivery);
  Error waits(Delivery delivery, Error error);
  Status finish(Delivery delivery, bool quarantine_digest);
  /// kConflict: it can never be promoted. kUnavailable: another one has to be decided first.
  Status wait_for_turn(const JobContext& context) const;
  DeployRequest deploy_request(const JobContext& context, const config::Target& target,
                               const std::string& key) const;
  Result<GraphRequest> graph_request(const JobContext& context, const config::Graph& graph) const;
  GraphServer server_of(const config::Graph& graph) const;
  Result<std::pair<Project, std::string>> head(ProjectId project) const;
  static std::string lock_name(DeliveryKind kind, const Project& project, const std::string& target);
  std::shared_ptr<std::mutex> lock_of(const std::string& name);

  ServerPorts& ports_;
  const Candidates& candidates_;
  std::function<void()> moved_;
  std::mutex mutex_;  ///< guards what follows
  std::map<std::pair<ProjectId, std::string>, TargetDrift> drifts_;
  std::map<std::string, std::shared_ptr<std::mutex>> locks_;  ///< one delivery at a time for each target
};

}  // namespace tidegate::app
