// Tracker: tells the experiment tracker of the data of training runs, and moves the aliases of registered
// models with the releases. State thread only.
//
// It asks again and again what is so, and does what is missing: what it could not do while the tracker was
// down it does later, what it does twice changes nothing, and no release waits for it.
#pragma once

#include <string>
#include <vector>

#include "app/server/server_ports.h"
#include "app/server/sources.h"
#include "release/model_aliases.h"

namespace tidegate::app {

/// The tag by which a training run names the release that made it (release/release_env.h).
inline constexpr const char* kReleaseTag = "cd.release_id";
/// Servers that share a tracker may know releases of the same name: the project must agree too.
bool is_run_of(const TrackedRun& run, const Project& project);

class Tracker {
 public:
  Tracker(ServerPorts& ports, Sources& sources) : ports_(ports), sources_(sources) {}

  /// From now on, every settings.tracking_poll.
  void start();
  /// Something has moved: not only at the next time.
  void soon();

 private:
  /// One release of a target, and the runs of it that are known.
  struct Watched {
    std::string release;
    std::string delivery;
    PipelineId pipeline;
    std::optional<TrackedInput> input;
    std::vector<TrainingRun> runs;
  };
  struct Watch {
    Project project;
    config::Target target;
    std::vector<Watched> line;          ///< the live release first
    std::vector<ModelAliases> aliases;  ///< of target.models, as they were set last
  };
  struct SeenRun {
    ProjectId project;
    PipelineId pipeline;
    TrainingRun run;
  };
  struct Moved {
    ProjectId project;
    PipelineId pipeline;
    std::string target;
    std::string model;
    ModelAliases now;
    std::vector<lineage::AliasFact> facts;
  };
  struct Found {
    std::vector<SeenRun> runs;
    std::vector<Moved> aliases;
    Status status;  ///< what kept it from asking everything
  };

  void look();
  Result<std::vector<Watch>> watches();
  Result<Watch> watch(const Project& project, const config::Target& target);
  Result<std::optional<TrackedInput>> input_of(const Delivery& delivery);
  static Found ask(Tracking& tracking, std::vector<Watch> watches, Instant now);
  static Status ask_runs(Tracking& tracking, const Project& project, Watched& watched, Instant now,
                         Found& found);
  static Status move_aliases(Tracking& tracking, const Watch& watch, Found& found);
  void take(const Found& found);

  ServerPorts& ports_;
  Sources& sources_;
  bool busy_ = false;
  bool again_ = false;
  bool down_ = false;  ///< said so already
};

}  // namespace tidegate::app
