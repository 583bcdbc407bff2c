// Listings: buckets and folders compared with what is on record, so that an object of which no event told is
// found all the same. State thread, but for what a worker does in one listing.
//
// A listing goes through the keys in batches: what is held in memory, and what one turn of the state thread
// takes, does not grow with the bucket. Where it is, is on record: a restart goes on from there.
#pragma once

#include <functional>
#include <queue>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "app/server/server_ports.h"
#include "config/project_file.h"
#include "dataset/event.h"
#include "dataset/intake.h"

namespace tidegate::app {

class Listings {
 public:
  /// Takes in what a listing shows and no event told of.
  using Accept =
      std::function<Status(ProjectId, const config::DataSource&, const std::vector<dataset::ObjectEvent>&)>;
  /// The listing is over, or was given up for now, after so long.
  using Done = std::function<void(ProjectId, const config::DataSource&, Millis took)>;
  Listings(ServerPorts& ports, Accept accept, Done done)
      : ports_(ports), accept_(std::move(accept)), done_(std::move(done)) {}

  /// Lists the source; goes on with the listing that an earlier process began. The first listing of a source
  /// is its baseline: what is there is recorded and nothing runs for it. Nothing happens while one is under
  /// way.
  void begin(ProjectId project, const config::DataSource& source);

 private:
  struct Work {
    ProjectId project;
    config::DataSource source;
    dataset::SourceAddress address;
    ListingRecord record;
    Instant begun{};
  };
  void start(const Work& work);
  void end(const Work& work, const Status& status);
  Result<std::int64_t> run(Work work) const;
  Status take(Work& work, const std::vector<ObjectInfo>& batch, bool is_last) const;
  Result<std::vector<ObjectInfo>> compare(const Work& work, const std::vector<ObjectInfo>& batch) const;
  Status record_baseline(const Work& work, const std::vector<ObjectInfo>& unknown,
                         std::vector<ObjectInfo>& arrived) const;
  Status announce(const Work& work, const std::vector<ObjectInfo>& unknown) const;
  Status advance(const Work& work, bool is_last) const;
  ObjectStorage& storage_of(const Work& work) const {
    return work.address.is_file ? ports_.directories : ports_.s3;
  }

  ServerPorts& ports_;
  Accept accept_;
  Done done_;
  std::set<std::pair<ProjectId, std::string>> under_way_;
  std::queue<Work> queue_;  ///< not begun: too many are running
  int running_ = 0;
};

/// What a listing says of an object, as an event.
dataset::ObjectEvent listed_event(const ObjectInfo& info, bool is_file);

}  // namespace tidegate::app
