// What the server's use cases are given: the ports, the settings, the loop and the workers. Wired in main.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "app/deploy/deployer.h"
#include "app/graph/graph_loader.h"
#include "app/ports/executor.h"
#include "app/ports/git_repository.h"
#include "app/ports/id_tokens.h"
#include "app/ports/image_registry.h"
#include "app/ports/object_storage.h"
#include "app/ports/remote_files.h"
#include "app/ports/signer.h"
#include "app/ports/store.h"
#include "app/ports/tracking.h"
#include "app/runner/run_job.h"
#include "app/server/loop.h"
#include "base/secret.h"
#include "base/time.h"
#include "dataset/readiness.h"

namespace tidegate::app {

struct RegistrySettings {
  std::string host;  ///< host[:port]; empty: no registry
  std::string user;
  Secret password;
};

/// What pipelines may include from elsewhere.
struct IncludePolicy {
  std::vector<std::string> projects;  ///< for all: "group/name" or "group/*"; a project's own group is always
  std::filesystem::path templates;    ///< folder of include:template; empty: none
  bool remote = true;                 ///< URLs may be read
};

struct ServerSettings {
  std::filesystem::path data;  ///< database, repositories, objects, logs, artifacts
  std::string external_url;    ///< as people and jobs reach us, no trailing '/'
  std::string name;            ///< of this server, one word and no other's: hosts say by it who is at work
  RegistrySettings registry;
  GraphServer neo4j;  ///< for `neo4j: env`
  RunnerSettings runner;
  IncludePolicy include;
  unsigned runner_slots = 2;    ///< jobs at once
  Seconds reconcile_every{60};  ///< listing of buckets
  Seconds directory_poll{2};    ///< file:// sources
  Seconds default_job_timeout{3600};
  Seconds drift_every{3600};  ///< comparing hosts with what was made live; 0: only when asked
  Seconds tracking_poll{30};  ///< how often the experiment tracker is asked for runs of the live releases
};

/// Bytes of a manifest of a set, at most.
inline constexpr std::uint64_t kMaxManifest = 8U << 20U;

/// Everything outlives the server. Blocking ports are used on workers only, the store on the loop only.
struct ServerPorts {
  ServerSettings settings;
  const Clock& clock;
  Loop& loop;
  Workers& workers;
  Store& store;
  /// Opens the bare repository at this path; makes it, with this default branch, if missing. A new object
  /// each time.
  std::function<Result<std::unique_ptr<GitRepository>>(const std::filesystem::path&,
                                                       const std::string& default_branch)>
      open_repository;
  ObjectStorage& s3;
  ObjectStorage& directories;
  ImageRegistry* registry = nullptr;  ///< null: none configured
  Deployer* deployer = nullptr;
  GraphLoader* graphs = nullptr;
  /// A new tracker client; each thread has its own. Empty: none configured.
  std::function<std::unique_ptr<Tracking>()> tracking;
  Signer* signer = nullptr;            ///< null: lineage is exported without signatures
  IdTokenIssuer* id_tokens = nullptr;  ///< null: `id_tokens:` are refused
  Executor& executor;
  const sys::StopFlag& stop;  ///< the server is going down
  /// A new reader of URLs for each configuration, so that one sees one state. Empty: none are read.
  std::function<std::unique_ptr<RemoteFiles>()> remote_files = {};
  /// What a manifest says; kInvalid, with the place, when it is none.
  std::function<Result<dataset::Manifest>(std::string_view)> parse_manifest = {};

  std::filesystem::path repository_path(const Project& project) const {
    return settings.data / "repositories" / (project.path + ".git");
  }
  /// A worker's own view of the project's repository.
  Result<std::unique_ptr<GitRepository>> repository(const Project& project) const {
    return open_repository(repository_path(project), project.default_branch);
  }
  std::filesystem::path object_path(const std::string& sha256) const {
    return settings.data / "objects" / sha256;
  }
  std::filesystem::path log_path(JobId job) const {
    return settings.data / "logs" / (std::to_string(job.value()) + ".log");
  }
  std::filesystem::path artifact_directory(JobId job) const {
    return settings.data / "artifacts" / std::to_string(job.value());
  }
  std::string image_prefix(const Project& project) const;  ///< CI_REGISTRY_IMAGE; empty without a registry
};

}  // namespace tidegate::app
