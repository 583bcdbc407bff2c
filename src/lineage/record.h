// Lineage records: what was decided about data, code, images, hosts and training runs, each tied to the one
// before it by a hash. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/id.h"
#include "base/result.h"
#include "base/time.h"

namespace tidegate::lineage {

enum class Kind : std::uint8_t {
  kAttempt,   ///< a candidate, or a pipeline without new data, came to its end
  kDelivery,  ///< a release or a graph load went live, failed, or was taken back; also by hand
  kRun,       ///< the experiment tracker knows a training run of a release
  kAlias,     ///< an alias of the tracker's model registry was moved
};
std::string_view to_string(Kind kind);
std::optional<Kind> parse_kind(std::string_view text);

/// The object version that a candidate was made for.
struct Data {
  std::string source;
  std::int64_t number = 0;
  std::string bucket;
  std::string key;
  std::string object_version;
  std::string etag;
  std::int64_t size = 0;
  std::string sha256;  ///< empty: it was never fetched
  std::string uri;
  friend bool operator==(const Data&, const Data&) = default;
};

/// A job as it ended.
struct JobFact {
  std::int64_t id = 0;
  std::string name;
  std::string stage;
  std::string status;
  bool retried = false;  ///< another of the same name took its place
  std::optional<std::int64_t> exit_code;
  std::string failure;     ///< the Runner protocol's reason
  std::string log_sha256;  ///< of the whole log; empty: it has none
  friend bool operator==(const JobFact&, const JobFact&) = default;
};

struct PipelineFact {
  std::int64_t id = 0;
  std::string source;
  std::string status;
  std::optional<Instant> started_at;
  std::optional<Instant> finished_at;
  std::vector<JobFact> jobs;
  friend bool operator==(const PipelineFact&, const PipelineFact&) = default;
};

struct DeliveryFact {
  std::string kind;  ///< release, graph
  std::string key;   ///< names the delivery: cd.deployment_id of its training runs
  std::int64_t job = 0;
  std::string target;
  std::string place;  ///< host and folder, or the database
  std::string state;  ///< live, failed, rolled_back, running
  std::string repository;
  std::string digest;
  std::string release;   ///< what it made, or flipped back to
  std::string previous;  ///< what was live before
  std::string message;   ///< health, or why not
  friend bool operator==(const DeliveryFact&, const DeliveryFact&) = default;
};

struct RunFact {
  std::string run_id;
  std::string experiment_id;
  std::string delivery;
  std::string release;
  bool input_logged = false;  ///< the data version is an input of the run in the tracker
  friend bool operator==(const RunFact&, const RunFact&) = default;
};

struct AliasFact {
  std::string model;
  std::string alias;
  std::string from;  ///< model version; empty: none
  std::string to;    ///< empty: the alias was removed
  std::string release;
  friend bool operator==(const AliasFact&, const AliasFact&) = default;
};

/// Members that say nothing are left out of the text.
struct Record {
  Kind kind = Kind::kAttempt;
  std::string project;  ///< group/name
  Instant at{};
  std::string verdict;  ///< attempts: live, rejected, superseded, made_again, or the pipeline's status
  std::string reason;
  std::int64_t attempt = 0;  ///< candidates made for the version, this one included
  std::optional<Data> data;
  std::string commit;  ///< the candidate, or the commit of the pipeline
  std::string parent;  ///< what the candidate was made on
  std::string branch;
  bool promoted = false;  ///< the branch was fast-forwarded to `commit`
  std::optional<PipelineFact> pipeline;
  std::vector<DeliveryFact> deliveries;
  std::optional<RunFact> run;
  std::optional<AliasFact> alias;
  friend bool operator==(const Record&, const Record&) = default;
};

/// The record as canonical JSON, and back. kInvalid: not a record.
std::string body_of(const Record& record);
Result<Record> read_record(std::string_view body);

/// A place in a project's chain. Before the first record: number 0 and a hash of 64 zeros.
struct Link {
  std::int64_t number = 0;
  std::string hash = std::string(64, '0');
  friend bool operator==(const Link&, const Link&) = default;
};

/// A record as it is stored.
struct Entry {
  Link link;
  Instant at{};
  PipelineId pipeline;  ///< 0: none
  VersionId version;    ///< 0: none
  std::string body;
  friend bool operator==(const Entry&, const Entry&) = default;
};

/// SHA-256 over the hash before, a line feed, and the body.
std::string chain_hash(const Link& before, std::string_view body);
Entry chained(const Link& before, const Record& record, PipelineId pipeline, VersionId version);
/// Why `entry` does not follow `before`; nothing when it does.
std::optional<std::string> broken(const Link& before, const Entry& entry);

/// What people may ask for a record by. A digest may be asked for by its first digits.
struct Name {
  std::string text;
  bool is_digest = false;
  friend bool operator==(const Name&, const Name&) = default;
  friend auto operator<=>(const Name&, const Name&) = default;
};
/// Sorted, each once.
std::vector<Name> names_of(const Record& record);

}  // namespace tidegate::lineage
