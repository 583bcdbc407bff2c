// TargetHost: a machine that releases live on, reached by SSH. No agent is installed; a POSIX shell,
// coreutils, tar and Python are all that it needs.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"
#include "sys/process.h"

namespace tidegate::app {

struct RemoteResult {
  int exit_code = 0;
  std::string out;
  std::string err;
};

/// One connection to one host. Blocking; not for two threads at once.
class TargetHost {
 public:
  virtual ~TargetHost() = default;
  virtual std::string name() const = 0;

  /// Runs a POSIX sh script (sent on standard input to `sh -s`, with arguments as $1…) and returns what it
  /// printed. An Error means that we cannot know whether it ran to its end (kUnavailable: no connection,
  /// timeout).
  virtual Result<RemoteResult> run(const std::string& script, const std::vector<std::string>& arguments,
                                   Millis timeout, const sys::StopFlag* stop,
                                   const std::function<void(std::string_view)>& on_output = {}) = 0;

  /// Sends the content of a local folder into `remote_directory` (made if missing), modes kept, as one tar
  /// stream.
  virtual Status upload(const std::filesystem::path& local_directory, const std::string& remote_directory,
                        const sys::StopFlag* stop) = 0;
};

/// Opens connections. `url` is ssh://[user@]host[:port].
class TargetHosts {
 public:
  virtual ~TargetHosts() = default;
  virtual Result<std::unique_ptr<TargetHost>> connect(const std::string& url, const sys::StopFlag* stop) = 0;
};

}  // namespace tidegate::app
