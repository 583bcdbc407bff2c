// HostRun: one host's part in a deployment: what it says, and the steps that are carried out there. Which
// step comes next is decided for all hosts together, by DeployRun.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "app/deploy/deployer.h"
#include "app/deploy/host_session.h"
#include "app/deploy/staging.h"
#include "release/group.h"

namespace tidegate::app {

/// One thread at a time; different hosts may be at work side by side.
class HostRun {
 public:
  using Say = std::function<void(const std::string& line)>;
  /// What all hosts of a deployment share; it outlives them.
  struct Common {
    const DeployRequest& request;
    const release::Goal& goal;
    const Clock& clock;
    const Staging* staging = nullptr;  ///< once the image is pulled
  };

  HostRun(const Common& common, std::string url, Say say)
      : common_(common), url_(std::move(url)), say_(std::move(say)) {}

  /// Connects and looks.
  Status open(TargetHosts& hosts, const sys::StopFlag* stop);
  /// Would the lease be given to us, by what was seen? kConflict says who holds it.
  Status may_take_lease() const;
  Status take_lease();
  /// The lease stays ours while other hosts are at work.
  Status renew();
  void drop_lease();
  bool leased() const { return leased_; }
  void ignore_stop() { session_->ignore_stop(); }

  /// Disk, clock, interpreter, env file, MLflow: before anything is sent.
  Status preflight();
  /// kFailed: this host cannot take what the image holds.
  Status fits(const ImageInfo& image) const;
  Status perform(const release::Action& action);
  /// A step that cannot succeed: before the flip that ends the deployment, after it the way back begins.
  /// Going back must not be given up, so there every failure is one to try again. An Error: nothing could be
  /// noted. `step`: what failed, when it was not this host's own last.
  Status note_failure(const Error& error, const std::string& step = {});
  /// What is tidied up in the end; the lease is given back.
  void close(const release::Attempt& attempt, const DeployOutcome& outcome);

  const std::string& url() const { return url_; }
  const std::string& step() const { return step_; }
  const release::Facts& facts() const { return facts_; }
  const HostFacts& host_facts() const { return host_facts_; }
  const std::string& experiment() const { return experiment_; }
  const release::Attempt* attempt() const { return facts_.journal.find(common_.goal.deployment); }
  bool before_flip() const;
  bool installed_everywhere() const;
  std::string live_release() const;

 private:
  Status write(const release::Record& record);
  Status point(const release::Links& links);
  Status look_again();
  Status install();
  bool is_marked(const std::string& release, const std::string& state) const;
  Status check_space() const;
  Status check_env();
  Result<std::string> verify(std::string_view which, const std::string& command);
  Result<std::string> health();
  std::string same_settings();
  std::string same_experiment();
  std::vector<std::string> old_releases() const;
  const config::Target& target() const { return common_.request.target; }

  const Common& common_;
  std::string url_;
  Say say_;
  std::unique_ptr<TargetHost> host_;
  std::optional<HostSession> session_;
  HostFacts host_facts_;
  release::Facts facts_;
  Interpreter python_;
  std::string experiment_;
  std::string step_ = "lease";  ///< being tried, for messages
  bool leased_ = false;
};

}  // namespace tidegate::app
