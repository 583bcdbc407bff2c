// DeployRun: one deployment or rollback on all hosts of a target, from the first look to the last sweep. What
// comes next where is decided by release::next_on_hosts; here it is carried out, on all hosts side by side.
#pragma once

#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "app/deploy/deployer.h"
#include "app/deploy/host_run.h"
#include "app/deploy/staging.h"
#include "release/rollout.h"

namespace tidegate::app {

/// Used once, then thrown away.
class DeployRun {
 public:
  struct Tools {
    ImageRegistry& registry;
    TargetHosts& hosts;
    const Clock& clock;
    std::filesystem::path scratch;
    const OnProgress& on_progress;
    const sys::StopFlag* stop;
  };

  DeployRun(const Tools& tools, DeployRequest request) : tools_(tools), request_(std::move(request)) {}

  Result<DeployOutcome> deploy();
  Result<DeployOutcome> roll_back(const std::string& to);
  Result<DeployOutcome> abandon();

 private:
  using Hosts = std::vector<std::unique_ptr<HostRun>>;
  using Step = std::function<Status(HostRun&)>;
  using Inspected = std::future<Result<ImageInfo>>;

  /// Something definite went wrong at `step`: an outcome. Anything that may pass is an Error instead.
  Result<DeployOutcome> give_up(std::string_view step, const Error& error);
  Status prepare();
  Status open();
  Status open_those_that_answer();
  Status take_leases();
  Status resolve(Inspected inspected);
  Status look_at_hosts();
  Status take_staging();
  Result<DeployOutcome> carry_out();
  Status wave(const std::vector<release::Action>& actions);
  Status before_wave(const std::vector<release::Action>& actions);
  Status on_all(const Step& step);
  DeployOutcome outcome_of(const release::Conclusion& conclusion) const;
  std::optional<DeployOutcome> finished() const;
  const release::Attempt* begun() const;
  Error of_host(const HostRun& host, Error error) const;
  void say(const std::string& line) const;

  const Tools& tools_;
  DeployRequest request_;
  release::Goal goal_;
  HostRun::Common common_{request_, goal_, tools_.clock};
  Hosts hosts_;
  std::vector<std::string> silent_;  ///< hosts that did not answer, where that may be
  ImageInfo image_;
  std::future<Result<Staging>> staged_;  ///< being pulled, while the hosts are looked at
  std::optional<Staging> staging_;
  mutable std::mutex saying_;
  std::string common_step_;  ///< that is made for all hosts at once
  std::size_t failed_ = 0;   ///< host of the last step that failed
  bool announced_ = false;   ///< on_flip was asked
};

}  // namespace tidegate::app
