#include "main/run_command.h"

#include <csignal>
#include <cstdlib>
#include <memory>
#include <sys/signalfd.h>
#include <thread>
#include <unistd.h>

#include <boost/json.hpp>
#include <fmt/core.h>

#include "adapters/docker/docker_executor.h"
#include "adapters/shell/shell_executor.h"
#include "app/local/local_view.h"
#include "app/local/run_pipeline.h"
#include "base/sha256.h"
#include "main/local_commands.h"
#include "main/system_clock.h"
#include "sys/file.h"
#include "sys/unique_fd.h"

namespace tidegate::main {
namespace {

namespace json = boost::json;

std::filesystem::path engine_socket(const RunOptions& options) {
  if (!options.docker_socket.empty()) return options.docker_socket;
  const char* host = std::getenv("DOCKER_HOST");
  const std::string_view text = host == nullptr ? "" : host;
  return text.starts_with("unix://") ? std::filesystem::path(text.substr(7))
                                     : std::filesystem::path("/var/run/docker.sock");
}

// Ctrl-C ends the pipeline gracefully; a thread waits for it, so that nothing happens inside a signal
// handler.
class InterruptWatch {
 public:
  explicit InterruptWatch(sys::StopFlag& flag) {
    sigset_t set;
    sigemptyset(&set);
    for (const int signal : {SIGINT, SIGTERM, SIGUSR1}) sigaddset(&set, signal);
    pthread_sigmask(SIG_BLOCK, &set, nullptr);
    thread_ = std::thread([set, &flag] {
      int received = 0;
      if (sigwait(&set, &received) == 0 && received != SIGUSR1) {
        fmt::print(stderr, "\ntidegate: canceling; after_scripts still run\n");
        flag.request_stop();
      }
    });
  }
  InterruptWatch(const InterruptWatch&) = delete;
  InterruptWatch& operator=(const InterruptWatch&) = delete;
  ~InterruptWatch() {
    pthread_kill(thread_.native_handle(), SIGUSR1);
    thread_.join();
  }

 private:
  std::thread thread_;
};

std::string result_json(const app::LocalResult& result) {
  json::array jobs;
  for (const app::LocalJob& job : result.jobs) {
    jobs.push_back({{"name", job.name},
                    {"stage", job.stage},
                    {"status", pipeline::to_string(job.status)},
                    {"allow_failure", job.allow_failure},
                    {"executor", job.executor},
                    {"failure_reason", job.failure_reason},
                    {"exit_code", job.exit_code ? json::value(*job.exit_code) : json::value(nullptr)},
                    {"message", job.message},
                    {"attempts", job.attempts},
                    {"duration_ms", job.duration.count()}});
  }
  return json::serialize(json::object{{"status", pipeline::to_string(result.status)},
                                      {"good", result.good()},
                                      {"duration_ms", result.duration.count()},
                                      {"jobs", jobs}});
}

Result<std::vector<pipeline::JobData>> data_of(const RunOptions& options) {
  std::vector<pipeline::JobData> out;
  for (const std::string& pair : options.data) {
    const std::size_t equals = pair.find('=');
    if (equals == 0 || equals == std::string::npos)
      return fail(Errc::kInvalid, "--data takes SOURCE=FILE, not " + pair);
    std::error_code failed;
    const auto file = std::filesystem::canonical(pair.substr(equals + 1), failed);
    if (failed) return fail(Errc::kNotFound, "--data " + pair + ": " + failed.message());
    TG_TRY(const std::string sha256, sys::sha256_of_file(file));
    out.push_back({pair.substr(0, equals), "file://" + file.string(), file.string(), sha256});
  }
  return out;
}

Result<app::LocalResult> run_plan(const RunOptions& options, const LocalProject& project,
                                  const pipeline::Plan& plan) {
  const std::string runner = "run-" + random_hex(6);
  docker::DockerSettings docker_settings;
  docker_settings.socket = engine_socket(options);
  docker_settings.runner = runner;
  docker::DockerExecutor docker(docker_settings);
  shell::ShellSettings shell_settings;
  shell_settings.runner = runner;
  shell::ShellExecutor shell(shell_settings);

  TG_TRY(const auto scratch,
         sys::TempDirectory::make(std::filesystem::temp_directory_path(), "tidegate-run-"));
  app::LocalSettings settings;
  TG_TRY(settings.data, data_of(options));
  settings.work_directory = scratch.path();
  settings.choice = options.choice;
  settings.parallel =
      options.concurrency > 0 ? options.concurrency : std::max(1U, std::thread::hardware_concurrency());
  settings.shell = &shell;
  if (options.executor != "shell" && docker::DockerExecutor::answers(docker_settings.socket))
    settings.docker = &docker;
  if (options.executor == "docker") settings.policy = app::ExecutorPolicy::kDocker;
  if (options.executor == "shell") settings.policy = app::ExecutorPolicy::kShell;

  // With --json stdout is for programs only.
  std::FILE* const out = options.json ? stderr : stdout;
  app::LocalViewSettings view_settings;
  view_settings.color = isatty(fileno(out)) == 1;
  app::LocalView view(view_settings, [out](std::string_view text) {
    std::fwrite(text.data(), 1, text.size(), out);
    std::fflush(out);
  });
  const SystemClock clock;
  sys::StopFlag cancel;
  const InterruptWatch watch(cancel);
  TG_TRY(auto result, app::run_pipeline(plan, project.copy, settings, view, clock, cancel));
  view.summary(result);
  return result;
}

}  // namespace

int run(const RunOptions& options) {
  const auto project = open_project(options.local);
  if (!project) return refuse(project.error());
  print_diagnostics(project->loaded.diagnostics, project->copy.root);
  if (!project->loaded.definition || config::has_errors(project->loaded.diagnostics)) return kFailed;
  const auto context = context_of(options.local, project->copy);
  if (!context) return refuse(context.error());
  const auto plan = pipeline::compile(*project->loaded.definition, *context);
  print_diagnostics(plan.diagnostics, project->copy.root);
  if (config::has_errors(plan.diagnostics)) return kFailed;
  if (!plan.created) {
    fmt::print(stderr, "tidegate: no pipeline: {}\n", plan.reason);
    return kFailed;
  }
  const auto result = run_plan(options, *project, plan);
  if (!result) return refuse(result.error());
  if (options.json) fmt::print("{}\n", result_json(*result));
  return result->good() ? kGood : kFailed;
}

}  // namespace tidegate::main
