#include "adapters/docker/docker_job.h"

#include <algorithm>
#include <cctype>
#include <chrono>
#include <filesystem>
#include <system_error>
#include <unistd.h>
#include <utility>

#include <fmt/core.h>

#include "adapters/docker/job_images.h"
#include "base/log.h"
#include "base/text.h"
#include "sys/file.h"

namespace tidegate::docker {

namespace fs = std::filesystem;
using Steady = std::chrono::steady_clock;

namespace {

constexpr Millis kTick{100};
constexpr Millis kAfterKill{30'000};  // for the engine to end a container that got SIGKILL
constexpr std::string_view kSocketInside = "/var/run/docker.sock";

// bash if the image has one, else sh. One stream for both outputs, because the Engine does not keep the order
// between two.
constexpr std::string_view kLauncher =
    "exec 2>&1\n"
    "for shell in /usr/local/bin/bash /usr/bin/bash /bin/bash /usr/local/bin/sh /usr/bin/sh /bin/sh "
    "/busybox/sh; do\n"
    "  if [ -x \"$shell\" ]; then exec \"$shell\" /tidegate/step/script; fi\n"
    "done\n"
    "echo 'the image has no shell'; exit 1\n";

// A container's first process ignores signals that it does not handle.
constexpr std::string_view kEndOnTerm = "trap 'exit 143' TERM\n";

constexpr const char* kTlsVariables[] = {"DOCKER_TLS_CERTDIR", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH"};

bool is_root(const std::string& user) {
  const std::string name = user.substr(0, user.find(':'));
  return name.empty() || name == "0" || name == "root";
}

bool is_shell_name(const std::string& key) {
  const auto part = [](unsigned char c) { return std::isalnum(c) != 0 || c == '_'; };
  return !key.empty() && std::isdigit(static_cast<unsigned char>(key.front())) == 0 &&
         std::ranges::all_of(key, part);
}

}  // namespace

DockerJob::DockerJob(EngineClient engine, DockerSettings settings, app::JobSpace space, Labels labels)
    : engine_(std::move(engine)),
      settings_(std::move(settings)),
      space_(std::move(space)),
      labels_(std::move(labels)) {}

DockerJob::~DockerJob() {
  if (!container_.empty()) {
    if (const Status removed = engine_.remove_container(container_); !removed) {
      log::warn("docker", "{}", removed.error().message);
    }
  }
  remove_services(engine_, services_);
}

Status DockerJob::prepare(const pipeline::JobMessage& message, const app::OnOutput& on_output,
                          const sys::StopFlag& cancel) {
  if (message.image) image_ = *message.image;
  if (image_.name.empty()) image_.name = settings_.default_image;
  if (image_.name.empty())
    return fail(Errc::kInvalid, "the job names no image, and this runner has no default one");
  for (const pipeline::JobImage& service : message.services) {
    if (settings_.share_engine || !is_docker_in_docker(service.name)) continue;
    return fail(Errc::kInvalid,
                fmt::format("the job asks for {}, and this runner does not share its engine with jobs",
                            printable(service.name)));
  }
  TG_CHECK(start_services(engine_, settings_, message, labels_, on_output, cancel, services_));
  on_output(fmt::format("Using Docker executor with image {} ...\n", printable(image_.name)));
  TG_TRY(image_info_, get_image(engine_, image_, message.credentials, on_output, cancel));
  on_output(fmt::format("Using docker image {} for {} ...\n", image_info_.id, printable(image_.name)));
  if (services_.docker_in_docker) {
    on_output(
        fmt::format("The service docker:dind is not started: the job uses this machine's engine at "
                    "unix://{} instead, and images it builds stay for later jobs\n",
                    kSocketInside));
    space_.mounts.push_back({settings_.socket, std::string(kSocketInside), false});
  }
  space_.mounts.push_back({space_.project_host, space_.project_inside, false});
  const fs::path step = space_.scratch / "step";
  TG_CHECK(sys::make_directories(step));
  space_.mounts.push_back({step, "/tidegate/step", true});
  return {};
}

std::map<std::string, std::string> DockerJob::adjusted(std::map<std::string, std::string> variables) const {
  if (!services_.docker_in_docker) return variables;
  for (const char* key : kTlsVariables) variables.erase(key);
  variables["DOCKER_HOST"] = fmt::format("unix://{}", kSocketInside);
  return variables;
}

// A user other than root must be able to work in folders that the runner made. (GitLab's runner makes the
// whole tree with umask 0 for the same reason.)
Status DockerJob::open_folders() const {
  if (is_root(image_.user.empty() ? image_info_.user : image_.user)) return {};
  std::error_code error;
  for (const app::Mount& mount : space_.mounts) {
    const bool ours =
        mount.host == space_.project_host || mount.host.native() == space_.project_host.native() + ".tmp";
    if (!ours) continue;
    fs::permissions(mount.host, fs::perms::all, error);
    for (fs::recursive_directory_iterator at(mount.host, error), end; !error && at != end;
         at.increment(error)) {
      const fs::file_status status = at->symlink_status(error);
      if (fs::is_symlink(status)) continue;
      const bool search =
          fs::is_directory(status) || (status.permissions() & fs::perms::owner_exec) != fs::perms::none;
      const auto read_write = static_cast<fs::perms>(0666);
      fs::permissions(at->path(), search ? read_write | static_cast<fs::perms>(0111) : read_write,
                      fs::perm_options::add, error);
    }
  }
  if (error)
    return fail(Errc::kInternal,
                fmt::format("open the project folder to the image's user: {}", error.message()));
  return {};
}

Status DockerJob::create(const std::map<std::string, std::string>& variables) {
  TG_CHECK(open_folders());
  ContainerSpec spec;
  spec.image = image_info_.id;
  spec.platform = image_.platform;
  if (image_.entrypoint && !image_.entrypoint->empty()) spec.entrypoint = image_.entrypoint;
  spec.command = {"sh", "-c", std::string(kLauncher)};
  for (const auto& [key, value] : variables) spec.environment.push_back(key + "=" + value);
  if (services_.docker_in_docker) {
    spec.environment.insert(spec.environment.end(), std::begin(kTlsVariables), std::end(kTlsVariables));
  }
  spec.working_directory = space_.project_inside;
  spec.user = image_.user;
  spec.labels = labels_;
  spec.mounts = space_.mounts;
  spec.network = services_.network;
  spec.extra_hosts = settings_.extra_hosts;
  spec.extra_hosts.insert(spec.extra_hosts.end(), services_.extra_hosts.begin(), services_.extra_hosts.end());
  spec.memory_bytes = settings_.memory_bytes;
  spec.cpus = settings_.cpus;
  TG_TRY(container_, engine_.create_container(spec));
  created_with_ = variables;
  return {};
}

// The container's environment is fixed when it is made; what a later script has otherwise is set by the
// shell.
std::string DockerJob::changes(const std::map<std::string, std::string>& variables) const {
  std::string lines;
  for (const auto& [key, value] : variables) {
    const auto before = created_with_.find(key);
    if (!is_shell_name(key) || (before != created_with_.end() && before->second == value)) continue;
    lines += fmt::format("export {}={}\n", key, shell_quote(value));
  }
  for (const auto& entry : created_with_) {
    if (is_shell_name(entry.first) && !variables.contains(entry.first))
      lines += fmt::format("unset {}\n", entry.first);
  }
  return lines;
}

Result<app::ScriptExit> DockerJob::run(const std::string& script,
                                       const std::map<std::string, std::string>& variables, Millis timeout,
                                       const app::OnOutput& on_output, const sys::StopFlag& cancel) {
  const std::map<std::string, std::string> environment = adjusted(variables);
  Result<app::ScriptExit> ended = run_script(script, environment, timeout, on_output, cancel);
  if (const Status given = give_back(); !given) log::warn("docker", "{}", given.error().message);
  return ended;
}

Result<app::ScriptExit> DockerJob::run_script(const std::string& script,
                                              const std::map<std::string, std::string>& environment,
                                              Millis timeout, const app::OnOutput& on_output,
                                              const sys::StopFlag& cancel) {
  if (container_.empty()) TG_CHECK(create(environment));
  TG_CHECK(sys::write_file(space_.scratch / "step" / "script",
                           std::string(kEndOnTerm) + changes(environment) + script, 0644));
  TG_TRY(AttachStream output, engine_.attach(container_));
  TG_CHECK(engine_.start(container_));
  return follow(output, timeout, on_output, cancel);
}

// What root made in the container belongs to root outside too. A runner that is not root could neither read
// nor remove it, so another container gives it to us.
Status DockerJob::give_back() {
  if (::geteuid() == 0 || container_.empty()) return {};
  ContainerSpec spec;
  spec.image = image_info_.id;
  spec.platform = image_.platform;
  spec.entrypoint = {"chown"};
  spec.command = {"-R", fmt::format("{}:{}", ::geteuid(), ::getegid()), space_.project_inside};
  spec.user = "0";
  spec.labels = labels_;
  spec.mounts = {{space_.project_host, space_.project_inside, false}};
  TG_TRY(const std::string id, engine_.create_container(spec));
  Status done = engine_.start(id);
  if (done) {
    const Result<int> code = engine_.wait(id);
    if (!code)
      done = code.error();
    else if (*code != 0)
      done = fail(Errc::kFailed, "docker: the project folder still belongs to root");
  }
  const Status removed = engine_.remove_container(id);
  return done ? removed : done;
}

Result<app::ScriptExit> DockerJob::follow(AttachStream& output, Millis timeout,
                                          const app::OnOutput& on_output, const sys::StopFlag& cancel) {
  app::ScriptExit result;
  const auto deadline = Steady::now() + timeout;
  auto kill_at = Steady::time_point::max();
  auto give_up_at = Steady::time_point::max();
  while (true) {
    TG_TRY(const AttachStream::Event event, output.next(kTick, on_output));
    if (event == AttachStream::Event::kEnd) break;
    if (event == AttachStream::Event::kQuiet) on_output({});
    const auto now = Steady::now();
    const bool stopping = result.canceled || result.timed_out;
    if (!stopping && (cancel.stop_requested() || now >= deadline)) {
      result.canceled = cancel.stop_requested();
      result.timed_out = !result.canceled;
      ask_to_end();
      kill_at = now + settings_.grace;
    }
    if (now >= kill_at) {
      TG_CHECK(engine_.kill(container_, "SIGKILL"));
      kill_at = Steady::time_point::max();
      give_up_at = now + kAfterKill;
    }
    if (now >= give_up_at) return fail(Errc::kUnavailable, "docker: the container does not end");
  }
  TG_TRY(result.exit_code, engine_.wait(container_));
  if (const auto state = engine_.inspect(container_); state && state->out_of_memory) {
    on_output("\nThe container ran out of memory and was killed.\n");
  }
  return result;
}

// The shell first, so that it does not go on to its next line when the line that runs is ended; then that
// line.
void DockerJob::ask_to_end() {
  if (const Status asked = engine_.kill(container_, "SIGTERM"); !asked) {
    log::debug("docker", "{}", asked.error().message);
  }
  if (const Status asked = engine_.exec_detached(container_, {"sh", "-c", "kill -TERM -1"}); !asked) {
    log::debug("docker", "{}", asked.error().message);
  }
}

}  // namespace tidegate::docker
