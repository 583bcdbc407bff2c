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

#include "app/server/server_ports.h"
#include "config/project_file.h"
#include "dataset/event.h"

namespace tidegate::app {

class Sources {
 public:
  explicit Sources(ServerPorts& ports) : ports_(ports) {}

  /// Called with each new dataset version (state waiting), after it is stored.
  void on_version(std::function<void(const Version&)> callback) { on_version_ = std::move(callback); }

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

  /// What was recorded of each event. Durable when it returns.
  struct Accepted {
    int fresh = 0;
    int duplicate = 0;
    int superseded = 0;
    int filtered = 0;
    std::vector<VersionId> versions;
  };
  Result<Accepted> accept(ProjectId project, const config::DataSource& source,
                          const std::vector<dataset::ObjectEvent>& events);

  /// Lists the bucket (or directory) and accepts what no event has told of. Runs by itself on a schedule.
  void reconcile(ProjectId project, const std::string& source);

 private:
  using Key = std::pair<ProjectId, std::string>;
  struct Listed {
    std::vector<ObjectInfo> objects;
  };

  Status accept_one(ProjectId project, const config::DataSource& source, const dataset::ObjectEvent& event,
                    Accepted& accepted);
  Status new_version(ProjectId project, const config::DataSource& source, const dataset::ObjectEvent& event,
                     std::int64_t event_id, Accepted& accepted);
  void take_file(const Project& project, Result<config::ProjectFile> file);
  void listed(ProjectId project, const config::DataSource& source, bool baseline, Result<Listed> result);
  Status accept_listed(ProjectId project, const config::DataSource& source, bool baseline,
                       const Listed& listed);
  void announce(ProjectId project, const config::DataSource& source, std::vector<ObjectInfo> unknown);
  void schedule_reconcile(ProjectId project, const config::DataSource& source);

  ServerPorts& ports_;
  std::function<void(const Version&)> on_version_;
  std::map<ProjectId, config::ProjectFile> files_;
  std::set<ProjectId> unread_;
  std::set<ProjectId> read_;
  std::set<Key> scheduled_;  ///< sources with a listing in the future
  std::set<Key> listing_;    ///< sources with a listing under way
};

}  // namespace tidegate::app
