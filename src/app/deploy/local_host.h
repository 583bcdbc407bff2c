// For tests: a TargetHost that runs its scripts with this machine's own shell, below a temporary folder. No
// step is imitated; only the network is missing. It can be told to break.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "app/ports/target_host.h"
#include "base/time.h"
#include "sys/file.h"

namespace tidegate::app::testing {

/// Shared by all connections to one pretended host.
struct LocalHostControl {
  int calls = 0;                              ///< scripts and uploads so far
  int break_at = -1;                          ///< this call fails; -1: none
  bool break_after = false;                   ///< it runs first, and then its answer is lost
  bool refuse = false;                        ///< no connection at all
  std::function<void(int call)> before = {};  ///< is told of each call, before it is made
  const Clock* clock = nullptr;               ///< what the host's clock shows; null: the machine's
  std::int64_t skew = 0;                      ///< seconds that it is ahead of that
  /// Where a host's files are: this path of the target is that folder here. Empty: the same.
  std::string path = {};
  std::string folder = {};
};

class LocalHost final : public TargetHost {
 public:
  explicit LocalHost(LocalHostControl& control) : control_(control) {}
  std::string name() const override { return "local"; }

  Result<RemoteResult> run(const std::string& script, const std::vector<std::string>& arguments,
                           Millis timeout, const sys::StopFlag* stop,
                           const std::function<void(std::string_view)>& on_output) override {
    const bool broken = is_broken();
    if (broken && !control_.break_after) return fail(Errc::kUnavailable, "the connection broke");
    sys::Command command;
    command.argv = {"sh", "-s", "--"};
    for (const auto& argument : arguments) command.argv.push_back(here(argument));
    command.input = "{\n" + time() + script + "\n} </dev/null\n";
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
    const bool broken = is_broken();
    if (broken && !control_.break_after) return fail(Errc::kUnavailable, "the connection broke");
    TG_CHECK(sys::make_directories(here(remote)));
    sys::Command command;
    command.argv = {"cp", "-R", (local / ".").string(), here(remote)};
    TG_TRY(const auto out, sys::run_checked(command, stop));
    if (broken) return fail(Errc::kUnavailable, "the connection broke");
    return {};
  }

 private:
  bool is_broken() {
    if (control_.before) control_.before(control_.calls);
    return control_.calls++ == control_.break_at;
  }
  std::string here(const std::string& text) const {
    if (control_.path.empty() || !text.starts_with(control_.path)) return text;
    return control_.folder + text.substr(control_.path.size());
  }
  std::string time() const {
    if (control_.clock == nullptr) return "";
    const auto now = std::chrono::duration_cast<Seconds>(control_.clock->now().time_since_epoch()).count();
    return "date() { echo " + std::to_string(now + control_.skew) + "; }\n";
  }

  LocalHostControl& control_;
};

class LocalHosts final : public TargetHosts {
 public:
  explicit LocalHosts(LocalHostControl& control) : control_(control) {}
  Result<std::unique_ptr<TargetHost>> connect(const std::string& url, const sys::StopFlag*) override {
    const auto other = others.find(url);
    auto& control = other == others.end() ? control_ : *other->second;
    if (control.refuse) return fail(Errc::kUnavailable, url + ": connection refused");
    return std::unique_ptr<TargetHost>(std::make_unique<LocalHost>(control));
  }

  std::map<std::string, LocalHostControl*> others;  ///< by url; everything else is the first control's

 private:
  LocalHostControl& control_;
};

}  // namespace tidegate::app::testing
