// For tests: a TargetHost that runs its scripts with this machine's own shell, below a temporary folder. No
// step is imitated; only the network is missing. It can be told to break.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "app/ports/target_host.h"
#include "sys/file.h"

namespace tidegate::app::testing {

/// Shared by all connections to one pretended host.
struct LocalHostControl {
  int calls = 0;             ///< scripts and uploads so far
  int break_at = -1;         ///< this call fails; -1: none
  bool break_after = false;  ///< it runs first, and then its answer is lost
  bool refuse = false;       ///< no connection at all
};

class LocalHost final : public TargetHost {
 public:
  explicit LocalHost(LocalHostControl& control) : control_(control) {}
  std::string name() const override { return "local"; }

  Result<RemoteResult> run(const std::string& script, const std::vector<std::string>& arguments,
                           Millis timeout, const sys::StopFlag* stop,
                           const std::function<void(std::string_view)>& on_output) override {
    const bool broken = control_.calls++ == control_.break_at;
    if (broken && !control_.break_after) return fail(Errc::kUnavailable, "the connection broke");
    sys::Command command;
    command.argv = {"sh", "-s", "--"};
    command.argv.insert(command.argv.end(), arguments.begin(), arguments.end());
    command.input = "{\n" + script + "\n} </dev/null\n";
    command.timeout = timeout;
    RemoteResult result;
    TG_TRY(const auto exit, sys::run_streaming(
                                command,
                                [&](std::string_view bytes) {
                                  result.out += bytes;
                                  if (on_output) on_output(bytes);
                                },
                                [&](std::string_view bytes) { result.err += bytes; }, stop));
    if (exit.stopped) return fail(Errc::kCanceled, "stopped");
    if (broken || exit.timed_out) return fail(Errc::kUnavailable, "the connection broke");
    result.exit_code = exit.exit_code;
    return result;
  }

  Status upload(const std::filesystem::path& local, const std::string& remote,
                const sys::StopFlag* stop) override {
    const bool broken = control_.calls++ == control_.break_at;
    if (broken && !control_.break_after) return fail(Errc::kUnavailable, "the connection broke");
    TG_CHECK(sys::make_directories(remote));
    sys::Command command;
    command.argv = {"cp", "-R", (local / ".").string(), remote};
    TG_TRY(const auto out, sys::run_checked(command, stop));
    if (broken) return fail(Errc::kUnavailable, "the connection broke");
    return {};
  }

 private:
  LocalHostControl& control_;
};

class LocalHosts final : public TargetHosts {
 public:
  explicit LocalHosts(LocalHostControl& control) : control_(control) {}
  Result<std::unique_ptr<TargetHost>> connect(const std::string&, const sys::StopFlag*) override {
    if (control_.refuse) return fail(Errc::kUnavailable, "connection refused");
    return std::unique_ptr<TargetHost>(std::make_unique<LocalHost>(control_));
  }

 private:
  LocalHostControl& control_;
};

}  // namespace tidegate::app::testing
