#include "main/run_command.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <memory>
#include <optional>
#include <thread>
#include <unistd.h>

#include <fmt/core.h>

#include "adapters/docker/docker_executor.h"
#include "adapters/jwt/rs256.h"
#include "adapters/shell/shell_executor.h"
#include "app/local/live_view.h"
#include "app/local/local_view.h"
#include "base/sha256.h"
#include "base/text.h"
#include "main/interrupts.h"
#include "main/local_commands.h"
#include "main/system_clock.h"
#include "main/terminal.h"
#include "sys/file.h"

namespace tidegate::main {
namespace {

namespace fs = std::filesystem;

Result<fs::path> engine_socket(const RunOptions& options) {
  if (!options.docker_socket.empty()) return options.docker_socket;
  const std::string_view host = environment_variable("DOCKER_HOST");
  if (host.starts_with("unix://")) return fs::path(host.substr(7));
  if (!host.empty()) {
    return fail(Errc::kEnvironment,
                fmt::format("DOCKER_HOST is {}, but only unix:// sockets can be used here", printable(host)));
  }
  return fs::path("/var/run/docker.sock");
}

// Caches of jobs outlive a run, so that the next one is quick: one folder for each project folder.
fs::path cache_directory(const app::WorkingCopy& copy) {
  fs::path base(environment_variable("XDG_CACHE_HOME"));
  if (!base.is_absolute()) base = fs::path(environment_variable("HOME")) / ".cache";
  if (!base.is_absolute()) return {};
  return base / "tidegate" / "run" / sha256_hex(copy.root.native()).substr(0, 16);
}

Result<std::vector<pipeline::JobData>> data_of(const RunOptions& options) {
  std::vector<pipeline::JobData> out;
  for (const std::string& pair : options.data) {
    const std::size_t equals = pair.find('=');
    if (equals == 0 || equals == std::string::npos)
      return fail(Errc::kInvalid, "--data takes SOURCE=FILE, not " + pair);
    std::error_code failed;
    const auto file = fs::canonical(pair.substr(equals + 1), failed);
    if (failed) return fail(Errc::kNotFound, "--data " + pair + ": " + failed.message());
    TG_TRY(const std::string sha256, sys::sha256_of_file(file));
    out.push_back({pair.substr(0, equals), "file://" + file.string(), file.string(), sha256});
  }
  return out;
}

// Both executors, and what is known of the engine.
struct Executors {
  explicit Executors(const RunOptions& options) : runner("run-" + random_hex(6)), shell({.runner = runner}) {
    if (options.executor == "shell") return;
    const auto socket = engine_socket(options);
    const Status answers = socket ? docker::DockerExecutor::probe(*socket) : Status(socket.error());
    if (!answers) {
      no_docker = answers.error().message;
      return;
    }
    docker::DockerSettings settings;
    settings.socket = *socket;
    settings.runner = runner;
    docker.emplace(settings);
  }
  void end_everything() {
    static_cast<void>(shell.remove_leftovers({}));
    if (docker) static_cast<void>(docker->remove_leftovers({}));
  }

  std::string runner;
  shell::ShellExecutor shell;
  std::optional<docker::DockerExecutor> docker;
  std::string no_docker;
};

Result<app::LocalSettings> settings_of(const RunOptions& options, const app::WorkingCopy& copy,
                                       Executors& executors, const fs::path& scratch) {
  app::LocalSettings settings;
  TG_TRY(settings.data, data_of(options));
  settings.work_directory = scratch;
  settings.runner.cache_directory = cache_directory(copy);
  if (const char* secrets = std::getenv("TIDEGATE_SECRETS")) settings.runner.secrets_directory = secrets;
  settings.choice = options.choice;
  settings.parallel =
      options.parallel > 0 ? options.parallel : std::max(1U, std::thread::hardware_concurrency());
  settings.shell = &executors.shell;
  if (executors.docker) settings.docker = &*executors.docker;
  settings.no_docker = executors.no_docker;
  if (options.executor == "docker") settings.policy = app::ExecutorPolicy::kDocker;
  if (options.executor == "shell") settings.policy = app::ExecutorPolicy::kShell;
  return settings;
}

// Making a key takes a while, so only where it is needed.
Result<std::unique_ptr<app::IdTokenIssuer>> id_tokens_for(const pipeline::Plan& plan) {
  const bool asked = std::ranges::any_of(plan.jobs, [](const pipeline::PlannedJob& job) {
    return job.created && (job.bridge || !job.options.id_tokens.empty());
  });
  if (!asked) return std::unique_ptr<app::IdTokenIssuer>();
  return jwt::make_issuer();
}

// Where the run can be seen: live on a terminal that can redraw, else as plain lines. With --json stdout is
// for programs only.
class Display {
 public:
  Display(const RunOptions& options, std::size_t jobs, const Clock& clock)
      : out_(options.json ? stderr : stdout) {
    const Terminal terminal = terminal_of(out_);
    const auto write = [out = out_](std::string_view text) {
      std::fwrite(text.data(), 1, text.size(), out);
      std::fflush(out);
    };
    if (options.view == "live" || (options.view == "auto" && terminal.can_redraw)) {
      const app::LiveViewSettings settings{.color = terminal.color, .scroll_output = jobs == 1};
      live_.emplace(settings, clock, [out = out_] { return size_of(out); }, write);
    } else {
      plain_.emplace(app::LocalViewSettings{.color = terminal.color}, write);
    }
  }

  app::LocalObserver& observer() { return live_ ? static_cast<app::LocalObserver&>(*live_) : *plain_; }
  app::LiveView* live() { return live_ ? &*live_ : nullptr; }
  void finish(const app::LocalResult& result) {
    if (live_) {
      live_->finish(result);
    } else {
      plain_->summary(result);
    }
  }
  // From the thread of the signals; takes no lock, because whoever holds one may be stuck in a write.
  void give_cursor_back() const {
    constexpr std::string_view kShowCursor = "\r\n\x1b[?25h";
    if (live_) static_cast<void>(write(fileno(out_), kShowCursor.data(), kShowCursor.size()));
  }

 private:
  std::FILE* out_;
  std::optional<app::LiveView> live_;
  std::optional<app::LocalView> plain_;
};

Interrupts::Actions actions_of(Executors& executors, Display& display, const fs::path& scratch) {
  Interrupts::Actions actions;
  actions.at_once = [&executors, &display, scratch] {
    display.give_cursor_back();
    // The jobs' threads go on meanwhile: without its folder none of them can start another script, and what
    // one started or wrote before it noticed goes in the next round.
    std::error_code error;
    for (int round = 0; round < 10 && (round == 0 || fs::exists(scratch, error)); ++round) {
      static_cast<void>(sys::remove_tree(scratch));
      executors.end_everything();
    }
  };
  if (app::LiveView* live = display.live(); live != nullptr) {
    actions.before_stop = [live] { live->pause(); };
    actions.after_stop = [live] { live->resume(); };
  }
  return actions;
}

// The exit code, when there was something to run.
Result<int> run_plan(const RunOptions& options, const LocalProject& project, const pipeline::Plan& plan) {
  Executors executors(options);
  if (options.dry_run) {
    TG_CHECK(print_dry_run(options, *project.loaded.definition, plan, executors.docker.has_value()));
    return kGood;
  }
  TG_TRY(const auto chosen, app::choose_jobs(plan, options.choice));
  TG_TRY(const auto scratch, sys::TempDirectory::make(fs::temp_directory_path(), "tidegate-run-"));
  TG_TRY(auto settings, settings_of(options, project.copy, executors, scratch.path()));
  TG_TRY(const auto id_tokens, id_tokens_for(plan));
  settings.id_tokens = id_tokens.get();
  TG_TRY(settings.context, context_of(options.local, project));
  TG_TRY(settings.sources, include_sources_of(options.local, project.copy, settings.context));
  const SystemClock clock;
  Display display(options, chosen.jobs.size(), clock);
  sys::StopFlag cancel;
  const Interrupts interrupts(cancel, actions_of(executors, display, scratch.path()));
  std::optional<app::LiveTicker> ticker;
  if (display.live() != nullptr) ticker.emplace(*display.live());
  TG_TRY(const auto result,
         app::run_pipeline(plan, project.copy, settings, display.observer(), clock, cancel));
  ticker.reset();
  display.finish(result);
  if (options.json) fmt::print("{}\n", result_json(result));
  if (interrupts.received() != 0) return 128 + interrupts.received();
  return result.good() ? kGood : kFailed;
}

}  // namespace

int run(const RunOptions& options) {
  LocalProject project;
  if (const Status opened = open_project(options.local, project); !opened) return refuse(opened.error());
  print_diagnostics(project.loaded.diagnostics, project.copy.root);
  if (!project.loaded.definition || config::has_errors(project.loaded.diagnostics)) return kFailed;
  const auto context = context_of(options.local, project);
  if (!context) return refuse(context.error());
  const auto plan = pipeline::compile(*project.loaded.definition, *context);
  print_diagnostics(plan.diagnostics, project.copy.root);
  if (config::has_errors(plan.diagnostics)) return kFailed;
  if (!plan.created) {
    fmt::print(stderr, "tidegate: no pipeline: {}\n", plan.reason);
    return kFailed;
  }
  const auto code = run_plan(options, project, plan);
  return code ? *code : refuse(code.error());
}

}  // namespace tidegate::main
