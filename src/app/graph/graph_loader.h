// GraphLoader: a curriculum into Neo4j as a new version beside the live one, then one step to make it
// live.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/secret.h"
#include "base/time.h"
#include "release/graph.h"
#include "sys/process.h"

namespace tidegate::app {

struct GraphServer {
  std::string http_url;
  std::string user;
  Secret password;
  std::string database = "neo4j";
};

/// One file of a dataset set.
struct GraphMember {
  std::string name;  ///< as the set has it, "2026-11/nodes.csv"
  std::filesystem::path file;
};

struct GraphRequest {
  std::string name;  ///< pointer name, e.g. "curriculum"
  GraphServer server;
  std::filesystem::path file;  ///< the curriculum, on this machine, in any format that is known
  std::string sha256;          ///< of the file; the version's identity together with commit
  /// Of a set: then `file` is only its list, and what is read are the members nodes.csv and edges.csv.
  std::vector<GraphMember> members;
  std::string commit;
  std::string data_uri;
  std::string golden;  ///< golden queries, JSON text; empty: none
  release::GraphRules rules;
  int keep = 3;
  std::string load;  ///< unique and stable: the same request repeated continues or finds itself done
  /// Asked, when set, before the pointer may move: from then on only the database knows which version is
  /// live. An Error keeps it from moving.
  std::function<Status(const std::string& version, const std::string& previous)> on_swap;
};

struct GraphOutcome {
  bool live = false;
  std::string version;   ///< id of the new version
  std::string previous;  ///< version that was live before; empty: none
  std::uint64_t nodes = 0;
  std::uint64_t edges = 0;
  std::vector<std::string>
      problems;  ///< why it was refused: each cycle, dangling reference, duplicate, golden query
  /// What people should know and what is no fault: what was left out, users' data without a node in this
  /// version.
  std::vector<std::string> notes;
};

struct GraphVersionInfo {
  std::string version;
  std::string sha256;
  std::string commit;
  std::uint64_t nodes = 0;
  std::uint64_t edges = 0;
  bool live = false;
  std::string state;  ///< loading, ready, live, retired, dropping
  std::string data_uri;
  Instant created_at{};
};

using OnGraphProgress = std::function<void(std::string_view line)>;

/// Blocking; one at a time per graph name.
class GraphLoader {
 public:
  virtual ~GraphLoader() = default;

  /// Validation only: nothing is written, no server is asked. Problems are an outcome (live = false).
  virtual Result<GraphOutcome> check(const GraphRequest& request) = 0;
  /// check, load beside, verify counts and golden queries, swap the pointer, drop versions beyond `keep`.
  virtual Result<GraphOutcome> load(const GraphRequest& request, const OnGraphProgress& on_progress,
                                    const sys::StopFlag* stop) = 0;
  /// Points back to `to` (empty: the version before the live one). Idempotent: with an empty `to`, a graph
  /// that is rolled back already stays where it is; to go further back, name the version.
  virtual Result<GraphOutcome> roll_back(const GraphServer& server, const std::string& name,
                                         const std::string& to) = 0;
  virtual Result<std::vector<GraphVersionInfo>> versions(const GraphServer& server,
                                                         const std::string& name) = 0;
};

}  // namespace tidegate::app
