// What a release tells the programs that run in it: variables, and MLflow's tags.
#pragma once

#include <cstdint>
#include <map>
#include <string>

namespace tidegate::release {

/// Where a release comes from. Texts may be empty.
struct Provenance {
  std::string target;
  std::string member;
  std::string release;
  std::string deployment;
  std::string project;
  std::string repo_url;
  std::string commit;
  std::int64_t pipeline = 0;
  std::string image;  ///< host:port/repository@sha256:…
  std::string digest;
  std::string data_uri;
  std::string data_version;
  std::string data_sha256;
};

/// TIDEGATE_RELEASE (the member: it is what `releases:` in tidegate.yml calls a release),
/// TIDEGATE_RELEASE_ID, TIDEGATE_TARGET, TIDEGATE_COMMIT, TIDEGATE_DATA_URI…, and MLFLOW_RUN_CONTEXT, which
/// makes the MLflow client tag every run (mlflow/tracking/context, SystemEnvironmentContext). Facts that are
/// not known are not there.
std::map<std::string, std::string> release_variables(const Provenance& provenance);

/// As lines NAME='value', good for a shell and for the launcher's reader alike: values hold neither
/// apostrophes nor control characters (percent-encoded where they would, as in URIs).
std::string env_file(const std::map<std::string, std::string>& variables);

/// release.json: the same facts, flat.
std::string release_json(const Provenance& provenance);

}  // namespace tidegate::release
