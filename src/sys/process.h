// Child processes, without a shell. Blocking; a child never outlives its guard.
#pragma once

#include <atomic>
#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace tidegate::sys {

/// Asks a blocking operation to stop, from any thread. Owned by whoever may ask; outlives the operation.
class StopFlag {
 public:
  void request_stop() { stop_.store(true, std::memory_order_release); }
  bool stop_requested() const { return stop_.load(std::memory_order_acquire); }

 private:
  std::atomic<bool> stop_{false};
};

/// What to run. argv[0] is looked up in PATH of the *parent*; with a slash it is a path from `directory`.
struct Command {
  std::vector<std::string> argv;
  std::optional<std::map<std::string, std::string>>
      environment;                                       ///< the whole environment; nothing: the parent's
  std::map<std::string, std::string> extra_environment;  ///< added to it
  std::filesystem::path directory;                       ///< working directory; empty: the parent's
  std::string input;                                     ///< written to its standard input, then closed
  std::optional<Millis> timeout;                         ///< then SIGTERM, `grace` later SIGKILL
  Millis grace{5000};
  bool own_group = true;                  ///< its own process group, so that its children are ended with it
  std::uint64_t max_output = 64U << 20U;  ///< of captured output; more is an error
};

/// How it ended. `signal` is set when a signal ended it (then exit_code is 128 + signal, as shells say).
struct Exit {
  int exit_code = 0;
  std::optional<int> signal;
  bool timed_out = false;
  bool stopped = false;  ///< by the StopFlag

  bool ok() const { return exit_code == 0 && !timed_out && !stopped; }
};

struct Captured {
  Exit exit;
  std::string out;
  std::string err;
};

/// Runs to the end and keeps both outputs. An Error means that it could not be started (kEnvironment when the
/// program is not installed) or printed more than allowed; a non-zero exit is a value.
Result<Captured> run(const Command& command, const StopFlag* stop = nullptr);

/// As run, but hands output over as it comes (stderr merged into stdout when `on_err` is empty). Callbacks
/// run on the calling thread.
using OnBytes = std::function<void(std::string_view)>;
Result<Exit> run_streaming(const Command& command, const OnBytes& on_out, const OnBytes& on_err = {},
                           const StopFlag* stop = nullptr);

/// run, and a non-zero exit is an Error (kFailed) with the last lines of its stderr.
Result<std::string> run_checked(const Command& command, const StopFlag* stop = nullptr);

/// Full path of a program in PATH.
std::optional<std::string> find_program(std::string_view name);

}  // namespace tidegate::sys
