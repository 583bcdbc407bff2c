// JobMessage: everything a runner is told about one job. The same fields as the GitLab Runner protocol's
// `POST /jobs/request` answer, so that the built-in runner, `tidegate run` and a remote runner take one path.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/id.h"
#include "base/rare.h"
#include "base/secret.h"
#include "base/time.h"
#include "config/definition.h"

namespace tidegate::pipeline {

/// A variable as the runner gets it. Later ones of the same key win.
struct JobVariable {
  std::string key;
  std::string value;
  bool is_public = true;
  bool masked = false;
  bool file = false;
  bool raw = false;

  friend bool operator==(const JobVariable&, const JobVariable&) = default;
};
using JobVariables = std::vector<JobVariable>;

struct JobStep {
  std::string name;  ///< "script" or "after_script"
  std::vector<std::string> script;
  Seconds timeout{3600};
  std::string when = "on_success";  ///< after_script: "always"
  bool allow_failure = false;
};

struct JobImage {
  std::string name;
  std::vector<std::string> aliases;  ///< services only
  std::optional<std::vector<std::string>> entrypoint;
  std::optional<std::vector<std::string>> command;
  std::vector<std::string> pull_policy;
  std::string user;
  std::string platform;
  JobVariables variables;  ///< services only
};

struct JobArtifacts {
  std::string name;
  bool untracked = false;
  std::vector<std::string> paths;
  std::vector<std::string> exclude;
  std::string when = "on_success";   ///< on_success, on_failure, always
  std::optional<Seconds> expire_in;  ///< nothing and not never_expires: the server's default
  bool never_expires = false;
  std::string type = "archive";  ///< archive, junit, dotenv, …
  std::string format = "zip";    ///< zip, gzip, raw
};

struct JobCache {
  std::string key;
  bool untracked = false;
  std::string policy = "pull-push";
  std::vector<std::string> paths;
  std::string when = "on_success";
  std::vector<std::string> fallback_keys;
};

/// A script of the runner's own, before or after one of its stages (`hooks:`).
struct JobHook {
  std::string name;  ///< "pre_get_sources_script"
  std::vector<std::string> script;
};

/// A variable that the runner takes from a secret store.
struct JobSecret {
  std::string key;
  std::string provider;  ///< vault, azure_key_vault, …
  bool file = true;      ///< the variable holds the path of a file
};

struct JobCredentials {
  std::string url;  ///< registry host[:port]
  std::string username;
  Secret password;
};

/// A job whose artifacts this one gets.
struct JobDependency {
  JobId id;
  std::string name;
  std::string token;
  bool has_artifacts = false;
};

/// A job elsewhere whose artifacts this one gets (needs:pipeline, needs:project). The caller finds it and
/// adds it to `dependencies`. Texts are expanded.
struct JobElsewhere {
  std::string job;
  std::string pipeline;  ///< its id in the same project; empty: the newest of `ref` in `project`
  std::string project;
  std::string ref;

  friend bool operator==(const JobElsewhere&, const JobElsewhere&) = default;
};

/// A dataset that the job may read: Tidegate's own addition. The runner shows `file` read-only and sets
/// TIDEGATE_DATA_<SOURCE> to where the job finds it.
struct JobData {
  std::string source;  ///< name in tidegate.yml
  std::string uri;     ///< what the code names
  std::string file;    ///< on the runner's machine
  std::string sha256;
  bool is_set =
      false;  ///< `file` lists the set's files, which lie beside it by their hashes; the job sees a folder
};

struct GitInfo {
  std::string repo_url;
  std::string ref;
  std::string sha;
  std::string before_sha;
  bool is_tag = false;
  std::vector<std::string> refspecs;
  int depth = 20;
};

struct JobMessage {
  JobId id;
  Secret token;
  std::string name;
  std::string stage;
  std::int64_t pipeline_id = 0;
  std::int64_t project_id = 0;
  std::string project_path;  ///< group/name: where the job finds itself below /builds
  GitInfo git;
  Seconds timeout{3600};
  JobVariables variables;
  /// How many of the last variables outrank those of dotenv reports: the project's and the pipeline's own.
  std::size_t overriding = 0;
  std::vector<JobStep> steps;
  Rare<JobImage> image;
  std::vector<JobImage> services;
  std::vector<JobArtifacts> artifacts;
  std::vector<JobCache> cache;
  std::vector<JobCredentials> credentials;
  std::vector<JobDependency> dependencies;
  std::vector<JobElsewhere> elsewhere;
  std::vector<JobData> data;
  std::vector<std::string> tags;
  std::vector<JobHook> hooks;
  std::vector<JobSecret> secrets;
  /// Secrets go to protected refs only; when false, a job that asks for one fails.
  bool may_have_secrets = true;
  /// False: the job's container reaches nothing outside of itself and its services. Executors without
  /// containers cannot keep it from the network.
  bool has_network = true;
  /// `release:`, to be made when the script has passed. Names and texts are expanded by the runner.
  Rare<config::Release> release;
};

}  // namespace tidegate::pipeline
