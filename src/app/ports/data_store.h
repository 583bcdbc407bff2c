// DataStore: the part of the store that keeps which versions wait, sets, listings under way, and what people
// did to data.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/id.h"
#include "base/result.h"
#include "base/time.h"
#include "dataset/readiness.h"

namespace tidegate::app {

struct EventRecord;
struct KeyRecord;
struct Version;

/// One object of a set: what is wanted, and what was found of it last.
struct SetMember {
  dataset::Member wanted;
  std::optional<dataset::Found> found;
};

/// What somebody did to a source or a version of it. Only ever added.
struct DataAction {
  std::int64_t id = 0;
  ProjectId project;
  std::string source;
  VersionId version;
  std::int64_t number = 0;  ///< of the version; 0: of the source as a whole
  std::string action;       ///< pin, unpin, skip, quarantine, release, replay, backfill
  std::string identity;     ///< of what was put into quarantine, or let out
  std::string sha256;       ///< likewise; may be empty
  std::string who;
  std::string reason;
  Instant at{};
};

/// A listing under way, so that it goes on where it was.
struct ListingRecord {
  bool baseline = false;
  Instant started_at{};
  std::string after;  ///< the last key that was taken
  std::int64_t objects = 0;
};

/// As Store: on the state thread only, and within its transactions.
class DataStore {
 public:
  virtual ~DataStore() = default;

  /// The one that made the version.
  virtual Result<std::optional<EventRecord>> event_of(VersionId version) = 0;

  /// Those from `first` to `last`, in the order of their bytes.
  virtual Result<std::vector<std::pair<std::string, KeyRecord>>> keys_between(ProjectId project,
                                                                              const std::string& source,
                                                                              const std::string& first,
                                                                              const std::string& last) = 0;
  /// Up to `limit` after `after` whose newest version no event has told of: the baseline.
  virtual Result<std::vector<std::pair<std::string, KeyRecord>>> baseline_keys(ProjectId project,
                                                                               const std::string& source,
                                                                               const std::string& after,
                                                                               std::int64_t limit) = 0;
  virtual Result<std::optional<ListingRecord>> listing(ProjectId project, const std::string& source) = 0;
  virtual Status save_listing(ProjectId project, const std::string& source, const ListingRecord& listing) = 0;
  virtual Status end_listing(ProjectId project, const std::string& source) = 0;

  virtual Result<std::optional<Version>> version_numbered(ProjectId project, const std::string& source,
                                                          std::int64_t number) = 0;
  /// Of the source, oldest first.
  virtual Result<std::vector<Version>> waiting_versions(ProjectId project, const std::string& source,
                                                        std::int64_t limit) = 0;
  /// The one that is neither waiting nor final.
  virtual Result<std::optional<Version>> version_under_way(ProjectId project, const std::string& source) = 0;
  /// What the source's code was promoted to last.
  virtual Result<std::optional<Version>> live_version(ProjectId project, const std::string& source) = 0;
  /// The last of each source.
  virtual Result<std::vector<Version>> live_versions(ProjectId project) = 0;
  /// The events of `from` (superseded) became part of `into`; what `from` stands for goes with it.
  virtual Status merge_version(VersionId from, VersionId into) = 0;
  /// How many events a version stands for, its own and those merged into it; members of a set do not count.
  virtual Result<std::int64_t> count_events(VersionId version) = 0;
  /// In the order of their names.
  virtual Result<std::vector<SetMember>> members(VersionId version) = 0;
  /// All of them anew. Events that told of one and belong to no version yet belong to this one from now on.
  virtual Status set_members(const Version& version, const std::vector<SetMember>& members) = 0;

  virtual Status add_data_action(const DataAction& action) = 0;
  /// Newest first; source empty: all.
  virtual Result<std::vector<DataAction>> data_actions(ProjectId project, const std::string& source,
                                                       std::int64_t limit) = 0;
  /// Nothing: the source is not pinned.
  virtual Result<std::optional<DataAction>> pin(ProjectId project, const std::string& source) = 0;
  /// Why an object version, or these bytes (empty: not known), must not run; nothing: it may.
  virtual Result<std::optional<DataAction>> quarantined_data(ProjectId project, const std::string& source,
                                                             const std::string& identity,
                                                             const std::string& sha256) = 0;
};

}  // namespace tidegate::app
