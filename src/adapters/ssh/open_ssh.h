// OpenSsh: hosts reached with the machine's own ssh client, so that people's ~/.ssh/config, agents and known
// hosts just work.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "app/ports/target_host.h"

namespace tidegate::ssh {

struct Settings {
  std::filesystem::path config_file;  ///< ssh -F; empty: the user's own
  std::filesystem::path
      control_dir;  ///< for sockets of shared connections: private, and at most 70 characters
  Millis connect_timeout{10'000};
};

/// Thread-safe. The hosts that it connects are not (target_host.h).
class OpenSsh final : public app::TargetHosts {
 public:
  explicit OpenSsh(Settings settings) : settings_(std::move(settings)) {}

  /// Logs in once; everything after shares that connection, which ends with the returned object (or two
  /// minutes after the last use, should we be killed). kUnavailable: no connection; kDenied: login or host
  /// key refused; kEnvironment: no ssh client here. Never asks a person anything.
  Result<std::unique_ptr<app::TargetHost>> connect(const std::string& url,
                                                   const sys::StopFlag* stop) override;

 private:
  Settings settings_;
};

}  // namespace tidegate::ssh
