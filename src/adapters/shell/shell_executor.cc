#include "adapters/shell/shell_executor.h"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <optional>
#include <utility>

#include <fmt/core.h>

#include "adapters/shell/child.h"
#include "adapters/shell/process_sweep.h"
#include "base/sha256.h"
#include "base/text.h"
#include "sys/file.h"

namespace tidegate::shell {

namespace {

// Everything else of our environment may be a secret of the server's.
constexpr const char* kPassedOn[] = {
    "PATH",       "HOME",        "USER",     "LOGNAME",       "SHELL",       "LANG",        "LC_ALL",
    "LC_CTYPE",   "TZ",          "TMPDIR",   "TERM",          "http_proxy",  "https_proxy", "no_proxy",
    "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR"};

std::map<std::string, std::string> base_environment() {
  std::map<std::string, std::string> environment{{"PATH", "/usr/local/bin:/usr/bin:/bin"}};
  for (const char* name : kPassedOn) {
    const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): never set after the start
    if (value != nullptr) environment.insert_or_assign(name, value);
  }
  return environment;
}

class ShellJob : public app::JobEnvironment {
 public:
  ShellJob(app::JobSpace space, std::string shell, std::string marker, Millis grace)
      : space_(std::move(space)), shell_(std::move(shell)), marker_(std::move(marker)), grace_(grace) {}

  Result<app::ScriptExit> run(const std::string& script, const std::map<std::string, std::string>& variables,
                              Millis timeout, const app::OnOutput& on_output,
                              const sys::StopFlag& cancel) override {
    const std::filesystem::path file = space_.scratch / fmt::format("script-{}", ++runs_);
    TG_CHECK(sys::write_file(file, script, 0600));
    ChildCommand command;
    command.argv = {shell_, file.native()};
    command.environment = base_environment();
    for (const auto& [key, value] : variables) command.environment.insert_or_assign(key, value);
    command.environment[marker_] = "1";
    command.directory = space_.project_host;
    command.marker = marker_ + "=";
    command.timeout = timeout;
    command.grace = grace_;
    return run_child(command, on_output, cancel);
  }

 private:
  app::JobSpace space_;
  std::string shell_;
  std::string marker_;
  Millis grace_;
  int runs_ = 0;
};

}  // namespace

ShellExecutor::ShellExecutor(ShellSettings settings)
    : settings_(std::move(settings)),
      // The name is a part of a variable's name, so it is hashed: it may hold anything.
      marker_prefix_("TIDEGATE_JOB_" + to_upper(sha256_hex(settings_.runner).substr(0, 16)) + "_") {}

std::string ShellExecutor::marker(JobId job) const {
  return fmt::format("{}{}", marker_prefix_, job.value());
}

Result<std::unique_ptr<app::JobEnvironment>> ShellExecutor::prepare(const pipeline::JobMessage& message,
                                                                    const app::JobSpace& space,
                                                                    const app::OnOutput& on_output,
                                                                    const sys::StopFlag& cancel) {
  if (cancel.stop_requested()) return fail(Errc::kCanceled, "canceled");
  std::optional<std::string> shell = sys::find_program("bash");
  if (!shell) shell = sys::find_program("sh");
  if (!shell) return fail(Errc::kEnvironment, "neither bash nor sh is in PATH");
  on_output("Using Shell executor...\n");
  if (message.image) {
    on_output(fmt::format("The image {} is not used: scripts run on this machine\n",
                          printable(message.image->name)));
  }
  for (const pipeline::JobImage& service : message.services) {
    on_output(fmt::format("WARNING: the service {} is not started: the shell executor has no services\n",
                          printable(service.name)));
  }
  return std::make_unique<ShellJob>(space, *shell, marker(message.id), settings_.grace);
}

Status ShellExecutor::remove_leftovers(const std::vector<JobId>& jobs) {
  if (jobs.empty()) return end_marked_processes(marker_prefix_, 0);
  Status result;
  for (const JobId job : jobs) {
    const Status ended = end_marked_processes(marker(job) + "=", 0);
    if (result) result = ended;
  }
  return result;
}

}  // namespace tidegate::shell
