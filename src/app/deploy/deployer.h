// Deployer: an image's release onto hosts, beside the live one, flipped as a group, watched, and taken back
// if it is not healthy. Blocking; everything that must survive us is journalled on the host. (data-delivery
// facts, 2.3)
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "app/ports/image_registry.h"
#include "app/ports/target_host.h"
#include "base/id.h"
#include "base/time.h"
#include "config/project_file.h"

namespace tidegate::app {

/// Asked before the first link may move: from then on only the hosts know what is live there. An Error keeps
/// it from moving.
using OnFlip = std::function<Status(const std::string& release, const std::string& digest)>;

/// What is deployed, and where it came from: all of it becomes tags of the next training runs.
struct DeployRequest {
  std::string deployment;  ///< unique and stable: the same request repeated continues or finds itself done
  config::Target target;
  std::string repository;  ///< host:port/group/project/training
  std::string reference;   ///< tag of this pipeline, e.g. the short commit
  std::string commit;      ///< full sha; the image's revision label must agree when there is one
  std::string repo_url;
  std::string project;  ///< group/name
  std::int64_t pipeline = 0;
  std::string data_uri;  ///< empty: none
  std::string data_version;
  std::string data_sha256;
  std::vector<std::string> quarantined;  ///< digests that must not be deployed
  OnFlip on_flip;                        ///< empty: nobody is asked
};

struct DeployOutcome {
  bool live = false;          ///< flipped and healthy
  bool rolled_back = false;   ///< flipped, unhealthy, flipped back
  std::string digest;         ///< of the image, resolved once
  std::string release;        ///< release id "<utc>-<commit12>-<digest12>", the same for all members
  std::string previous;       ///< release id that was live before; empty: none
  std::string failed_step;    ///< lease, preflight, resolve, pull, extract, install, smoke, flip, health
  std::string message;        ///< why it is not live
  std::string experiment_id;  ///< MLflow experiment, the same before and after
};

/// A release as a host knows it.
struct ReleaseInfo {
  std::string host;     ///< as the target names it
  std::string member;   ///< bert, kobart…
  std::string release;  ///< id
  std::string commit;
  std::string digest;
  std::string data_uri;
  std::string state;  ///< building, ready, live, failed, rolled_back
  bool live = false;
};

/// Something on a host that is not as it was when the live release was made.
struct DriftInfo {
  std::string host;
  std::string member;
  std::string kind;  ///< changed, missing, added, unreadable, link, more
  std::string path;  ///< below the member's release; "@env": the target's env file
  std::string detail;
};

using OnProgress = std::function<void(std::string_view line)>;

class Deployer {
 public:
  Deployer(ImageRegistry& registry, TargetHosts& hosts, const Clock& clock, std::filesystem::path scratch);

  /// An Error is "we could not even try" or "we lost the host and do not know"; the same request may be sent
  /// again. A release that failed its gate or health check is an outcome. `stop` is heeded until the flip
  /// begins; from there it ends by itself, within the target's check_timeout.
  Result<DeployOutcome> deploy(const DeployRequest& request, const OnProgress& on_progress,
                               const sys::StopFlag* stop);

  /// Flips every member of the group, on every host, back to `to` (empty: the release before the live one).
  /// No rebuild. Idempotent. `on_flip` as in DeployRequest.
  Result<DeployOutcome> roll_back(const config::Target& target, const std::string& to,
                                  const std::string& deployment, const OnProgress& on_progress,
                                  const sys::StopFlag* stop, const OnFlip& on_flip = {});

  /// Brings a deployment that nobody will ask for again to its end: flipped and not judged, it is flipped
  /// back; its lease is given back. One that came to its end already, or that the host does not know (no
  /// release in the outcome), stays as it is. Idempotent.
  Result<DeployOutcome> abandon(const config::Target& target, const std::string& deployment,
                                const OnProgress& on_progress, const sys::StopFlag* stop);

  /// What is live, compared with what was made: files, packages, links, the env file. Empty: all is as it
  /// was. kConflict: a deployment is at work there.
  Result<std::vector<DriftInfo>> drift(const config::Target& target, const sys::StopFlag* stop);

  Result<std::vector<ReleaseInfo>> releases(const config::Target& target, const sys::StopFlag* stop);

 private:
  ImageRegistry& registry_;
  TargetHosts& hosts_;
  const Clock& clock_;
  std::filesystem::path scratch_;
};

}  // namespace tidegate::app
