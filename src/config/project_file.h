// `tidegate.yml`: what data a project wants and where its releases go.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "config/diagnostic.h"
#include "config/gate_settings.h"
#include "config/graph_checks.h"

namespace tidegate::config {

/// Where the data's address is bound. `variable` alone: in no file, but in a variable of the pipeline. Else
/// in `file`: at exactly one of `name` and `marker`, or neither, then the whole file is a data lock file
/// (JSON).
struct Binding {
  std::string file;
  std::string name;           ///< a named assignment, e.g. DATA_PATH = "…"
  std::string marker;         ///< the line that carries the comment `# tidegate:<marker>`
  std::string variable = {};  ///< of the candidate's pipeline, and of ordinary ones
};

inline constexpr std::uint64_t kUsualMaxSize = std::uint64_t{100} << 30U;

/// `data: <name>:`
struct DataSource {
  std::string name;
  std::string source;                ///< s3://bucket/prefix/ or file:///directory/
  std::vector<std::string> include;  ///< globs on the key after the prefix; empty: everything
  Seconds quiet{30};                 ///< ready: {quiet: …}: no event for the source for this long
  std::string manifest;              ///< ready: {manifest: GLOB}: an object that lists the version's members
  std::string marker;                ///< ready: {marker: NAME}: an object that completes its folder
  std::uint64_t max_size = kUsualMaxSize;  ///< bytes of an object, or of all members of a set
  std::vector<Binding> bind;
  std::string branch;  ///< empty: the default branch
  GateSettings gate;
  Place place;
};

/// `targets: <name>:` hosts and the releases that flip there as a group.
struct Target {
  std::string name;
  std::vector<std::string> hosts;     ///< ssh://[user@]host[:port], at least one; the first is the canary. A
                                      ///< host may be an alias in the ssh config
  std::string path;                   ///< absolute folder on the host
  std::vector<std::string> releases;  ///< one folder and venv each
  std::string image;  ///< repository below $CI_REGISTRY_IMAGE; empty: $CI_REGISTRY_IMAGE itself
  std::string from = "/opt/release";  ///< folder in the image: wheels/, requirements.lock, files
  std::vector<std::string> files;     ///< files (or folders, "models/") below `from` that a release needs
  std::string env;                    ///< env file on the host, relative to `path`; never written by Tidegate
  std::string python = "python3";     ///< the host's interpreter
  std::string smoke;                  ///< gate before the flip, run in the new release
  std::string check;                  ///< health after the flip, run in the live release
  Seconds check_timeout{120};
  bool mlflow = false;                ///< probe that the experiment is the same before and after; tag runs
  std::vector<std::string> models;    ///< registered models whose aliases follow the releases
  std::string champion = "champion";  ///< alias of the live release's model version
  std::string previous = "previous";  ///< alias of the one before; either may be empty: not moved
  int keep = 3;                       ///< releases kept for rollback
  Place place;
};

/// `graphs: <name>:` a graph in Neo4j that is replaced in one step.
struct Graph {
  std::string name;
  std::string data;           ///< name of the data source that it is loaded from
  std::string neo4j = "env";  ///< http(s)://host:port, or "env": the server's NEO4J_HTTP_URL
  std::string golden;         ///< golden queries (JSON) in the repository; empty: none
  GraphChecks checks;
  int keep = 3;  ///< versions kept for rollback
  Place place;
};

/// `lint: {disable: [code]}`
struct LintSwitch {
  std::string code;
  Place place;
};

struct ProjectFile {
  std::vector<DataSource> data;
  std::vector<Target> targets;
  std::vector<Graph> graphs;
  std::vector<LintSwitch> lint_disable;  ///< warnings that `tidegate lint` leaves out
};

struct LoadedProjectFile {
  ProjectFile file;         ///< what could be understood
  Diagnostics diagnostics;  ///< unknown keys, wrong types, missing keys, with places
};

/// Never throws; an empty text is an empty project file.
LoadedProjectFile load_project_file(std::string_view text, const std::string& file = "tidegate.yml");

}  // namespace tidegate::config
