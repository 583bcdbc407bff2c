// DeployRun: one deployment or rollback, from the first look to the last sweep. Which step comes next is
// decided by release::next; here it is carried out.
#pragma once

#include <future>
#include <optional>
#include <string>
#include <vector>

#include "app/deploy/deployer.h"
#include "app/deploy/host_session.h"
#include "app/deploy/staging.h"
#include "release/group.h"

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
  /// Something definite went wrong at `step`: an outcome. Anything that may pass is an Error instead.
  Result<DeployOutcome> give_up(std::string_view step, const Error& error);

  Status open();
  Status take_lease();
  using Inspected = std::future<Result<ImageInfo>>;
  Status resolve(Inspected inspected);
  bool installed_everywhere() const;
  Status take_staging();
  Status prepare_host();
  std::string choose_rollback(const std::string& to) const;
  Result<DeployOutcome> carry_out();
  Status note_failure(const Error& error);
  bool before_flip() const;
  Status perform(const release::Action& action);
  Status write(const release::Record& record);
  Status install();
  Status check_space() const;
  Result<std::string> verify(std::string_view which, const std::string& command);
  std::string same_experiment();
  void close(const release::Attempt& attempt);
  std::vector<std::string> old_releases() const;
  DeployOutcome outcome_of(const release::Attempt& attempt) const;
  const release::Attempt* finished() const;
  void say(const std::string& line) const;

  const Tools& tools_;
  DeployRequest request_;
  std::unique_ptr<TargetHost> host_;
  std::optional<HostSession> session_;
  HostFacts host_facts_;
  release::Goal goal_;
  release::Facts facts_;
  Interpreter python_;
  std::future<Result<Staging>> staged_;  ///< being pulled, while the host is looked at
  std::optional<Staging> staging_;
  std::string step_ = "lease";  ///< being tried, for messages
  bool leased_ = false;
};

}  // namespace tidegate::app
