// Sources: the data sources of every project, as its tidegate.yml says on the default branch, and what lands
// in them. State thread only.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "app/server/listings.h"
#include "app/server/server_ports.h"
#include "config/project_file.h"
#include "dataset/event.h"

namespace tidegate::app {

class Sources {
 public:
  explicit Sources(ServerPorts& ports);

  /// Called with each new dataset version (state waiting), after it is stored.
  void on_version(std::function<void(const Version&)> callback) { on_version_ = std::move(callback); }

  /// Called when an object landed that may be a member of a set.
  void on_member(std::function<void(ProjectId, const std::string& source)> callback) {
    on_member_ = std::move(callback);
  }

  /// Reads tidegate.yml at the head of the default branch again, in the background. A source seen for the
  /// first time gets its baseline: what is there already is recorded and nothing runs for it.
  void refresh(const Project& project);

  /// Where events may belong that were announced under this name, a source's or its bucket's (a store that
  /// has one hook for a whole bucket): pairs of project and source.
  std::vector<std::pair<ProjectId, config::DataSource>> named(const std::string& name) const;
  /// Some project's tidegate.yml has not been read for the first time yet: a source may exist all the same.
  bool is_reading() const { return !unread_.empty(); }
  /// The project's tidegate.yml has been looked for since the server started.
  bool has_read(ProjectId project) const { return read_.contains(project); }
  std::optional<config::DataSource> find(ProjectId project, const std::string& source) const;
  const config::ProjectFile* file(ProjectId project) const;

  /// Those that read from this bucket.
  std::vector<std::pair<ProjectId, config::DataSource>> reading(const std::string& bucket) const;

  /// What was recorded of each event.
  struct Accepted {
    int fresh = 0;
    int duplicate = 0;
    int superseded = 0;
    int filtered = 0;
    int members = 0;                                   ///< parts of sets
    std::set<std::pair<ProjectId, std::string>> sets;  ///< sources of those parts
    std::vector<VersionId> versions;

    void add(const Accepted& other);
  };
  /// In the caller's transaction; tell() belongs after its end.
  Result<Accepted> record(ProjectId project, const config::DataSource& source,
                          const std::vector<dataset::ObjectEvent>& events);
  /// Passes parts of sets on; and new versions, soon: of several of one source the newest, which stands for
  /// them.
  void tell(const Accepted& accepted);

  /// Makes an object of the baseline a version, by hand: it runs as itself. Within a transaction; the caller
  /// tells of it afterwards. kInvalid: the source's filters would not let it through.
  Result<Version> take_in(ProjectId project, const config::DataSource& source,
                          const dataset::ObjectEvent& event);

 private:
  using Key = std::pair<ProjectId, std::string>;

  Status accept(ProjectId project, const config::DataSource& source,
                const std::vector<dataset::ObjectEvent>& events);
  Status accept_one(ProjectId project, const config::DataSource& source, const dataset::ObjectEvent& event,
                    Accepted& accepted);
  Status new_version(ProjectId project, const config::DataSource& source, const dataset::ObjectEvent& event,
                     std::int64_t event_id, Accepted& accepted);
  void tell_now();
  void take_file(const Project& project, Result<config::ProjectFile> file);
  Result<Version> add_version(ProjectId project, const config::DataSource& source,
                              const dataset::ObjectEvent& event, bool by_hand);
  void reconcile(ProjectId project, const std::string& source);
  void schedule_reconcile(ProjectId project, const config::DataSource& source, Millis took);

  ServerPorts& ports_;
  std::function<void(const Version&)> on_version_;
  std::function<void(ProjectId, const std::string&)> on_member_;
  std::vector<VersionId> untold_;
  std::map<ProjectId, config::ProjectFile> files_;
  std::set<ProjectId> unread_;
  std::set<ProjectId> read_;
  std::set<Key> scheduled_;  ///< sources with a listing in the future
  Listings listings_;
};

/// Whether the source's filters make a version of this key.
bool wants(const config::DataSource& source, const std::string& key);

}  // namespace tidegate::app
