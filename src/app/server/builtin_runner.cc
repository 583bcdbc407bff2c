#include "app/server/builtin_runner.h"

#include <algorithm>
#include <array>
#include <fcntl.h>

#include <fmt/core.h>

#include "app/server/releases.h"
#include "base/log.h"
#include "pipeline/coverage.h"
#include "sys/file.h"
#include "sys/process.h"
#include "sys/unique_fd.h"

namespace tidegate::app {
namespace {

// The server's side of one job: its log, sources and artifacts are on this machine.
class ServerJobIo final : public JobIo {
 public:
  ServerJobIo(ServerPorts& ports, const Job& job, Project project, std::function<void(const Project&)> on_tag)
      : ports_(ports),
        whole_(job),
        job_(job.state.id),
        project_(std::move(project)),
        on_tag_(std::move(on_tag)),
        log_(ports.log_path(job.state.id)) {}

  Status append_trace(std::string_view bytes) override {
    if (!file_) {
      TG_CHECK(sys::make_directories(log_.parent_path()));
      file_.reset(::open(log_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640));
      if (!file_) return sys::errno_error("open " + log_.string(), errno);
    }
    while (!bytes.empty()) {
      const ssize_t written = ::write(file_.get(), bytes.data(), bytes.size());
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) return sys::errno_error("write " + log_.string(), errno);
      bytes.remove_prefix(static_cast<std::size_t>(written));
    }
    return {};
  }

  Status get_sources(const pipeline::JobMessage& message, const std::filesystem::path& into) override {
    const std::string repository = ports_.repository_path(project_).string();
    const auto git = [&](std::vector<std::string> arguments) -> Status {
      sys::Command command;
      command.argv = {"git", "-C", into.string()};
      command.argv.insert(command.argv.end(), arguments.begin(), arguments.end());
      command.extra_environment = {{"GIT_CONFIG_NOSYSTEM", "1"}, {"GIT_TERMINAL_PROMPT", "0"}};
      TG_CHECK(sys::run_checked(command, &ports_.stop));
      return {};
    };
    TG_CHECK(git({"init", "-q", "."}));
    // Not `remote add`: a repeated call must find nothing in its way.
    TG_CHECK(git({"config", "remote.origin.url", message.git.repo_url}));
    std::vector<std::string> fetch{"fetch", "-q", "--no-tags", repository, message.git.sha};
    if (message.git.depth > 0) fetch.insert(fetch.begin() + 1, fmt::format("--depth={}", message.git.depth));
    TG_CHECK(git(fetch));
    return git({"checkout", "-q", "--detach", message.git.sha});
  }

  Status download_artifacts(const pipeline::JobDependency& dependency,
                            const std::filesystem::path& to) override {
    TG_TRY(const auto artifacts, ports_.loop.call([&] { return ports_.store.artifacts(dependency.id); }));
    for (const Artifact& artifact : artifacts) {
      if (artifact.type != "archive") continue;
      std::error_code failed;
      std::filesystem::copy_file(artifact.file, to, std::filesystem::copy_options::overwrite_existing,
                                 failed);
      if (failed)
        return fail(Errc::kUnavailable, "artifacts of " + dependency.name + ": " + failed.message());
      return {};
    }
    return fail(Errc::kNotFound, "job " + dependency.name + " has no artifacts (any more)");
  }

  Status upload_artifacts(const pipeline::JobArtifacts& artifacts, const std::filesystem::path& file,
                          const std::string& file_name) override {
    const auto directory = ports_.artifact_directory(job_);
    TG_CHECK(sys::make_directories(directory));
    const auto kept =
        directory / (artifacts.type + "-" + std::filesystem::path(file_name).filename().string());
    std::error_code failed;
    std::filesystem::copy_file(file, kept, std::filesystem::copy_options::overwrite_existing, failed);
    if (failed) return fail(Errc::kUnavailable, "keep " + file_name + ": " + failed.message());
    TG_CHECK(sys::sync_directory(directory));
    Artifact record;
    record.job = job_;
    record.type = artifacts.type;
    record.format = artifacts.format;
    record.file = kept.string();
    record.file_name = file_name;
    record.size = std::filesystem::file_size(kept, failed);
    TG_TRY(record.sha256, sys::sha256_of_file(kept));
    if (artifacts.expire_in) record.expire_at = ports_.clock.now() + *artifacts.expire_in;
    TG_CHECK(ports_.loop.call([&] { return ports_.store.add_artifact(record); }));
    return {};
  }

  Result<std::string> create_release(const pipeline::JobMessage& /*message*/,
                                     const config::Release& release) override {
    return make_release(ports_, project_, whole_, release, on_tag_);
  }

 private:
  ServerPorts& ports_;
  const Job& whole_;
  JobId job_;
  Project project_;
  std::function<void(const Project&)> on_tag_;
  std::filesystem::path log_;
  sys::UniqueFd file_;
};

// The number that `coverage:` finds in the stored log; nothing when there is none, or no log.
std::optional<double> coverage_of(const std::filesystem::path& log, const std::string& pattern) {
  if (pattern.empty()) return std::nullopt;
  const sys::UniqueFd file(::open(log.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return std::nullopt;
  pipeline::CoverageFinder finder(pattern);
  std::array<char, 65536> buffer{};
  for (;;) {
    const ssize_t got = ::read(file.get(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    finder.feed({buffer.data(), static_cast<std::size_t>(got)});
  }
  return finder.coverage();
}

// Source: GitLab Runner, a runner takes a job when it has all of the job's tags.
bool takes(const RunnerSettings& runner, const std::vector<std::string>& tags) {
  if (!runner.tags) return true;
  if (tags.empty()) return runner.run_untagged;
  return std::ranges::all_of(tags, [&](const std::string& tag) {
    return std::ranges::find(*runner.tags, tag) != runner.tags->end();
  });
}

}  // namespace

BuiltinRunner::BuiltinRunner(ServerPorts& ports, Pipelines& pipelines)
    : ports_(ports),
      pipelines_(pipelines),
      workers_(ports.settings.runner_slots),
      free_(ports.settings.runner_slots) {}

void BuiltinRunner::wake() {
  while (free_ > 0 && !stopping_) {
    auto job = pipelines_.take("built-in", [this](const std::vector<std::string>& tags) {
      return takes(ports_.settings.runner, tags);
    });
    if (!job) {
      log::error("runner", "{}", job.error().message);
      ports_.loop.post_after(Millis{2000}, [this] { wake(); });
      return;
    }
    if (!*job) return;
    start(std::move(**job));
  }
}

void BuiltinRunner::start(Job job) {
  const auto project = ports_.store.project(job.project);
  if (!project || !*project) return;
  --free_;
  auto cancel = std::make_shared<sys::StopFlag>();
  running_[job.state.id] = cancel;
  log::info("runner", "job #{} {} starts", job.state.id.value(), job.state.name);
  workers_.post([this, job = std::move(job), project = **project, cancel] {
    ServerJobIo io(ports_, job, project, on_tag_);
    JobOutcome outcome =
        run_job(job.message, ports_.settings.runner, ports_.executor, io, ports_.clock, *cancel);
    outcome.coverage = coverage_of(ports_.log_path(job.state.id), job.options.coverage);
    outcome.log_sha256 = sys::sha256_of_file(ports_.log_path(job.state.id)).value_or("");
    ports_.loop.post([this, id = job.state.id, name = job.state.name, outcome] {
      log::info("runner", "job #{} {} {}{}", id.value(), name,
                outcome.success ? "passed" : "did not pass: ", outcome.success ? "" : outcome.message);
      running_.erase(id);
      ++free_;
      // A server that goes down takes its jobs up again at its next start; they have not failed.
      if (!stopping_) pipelines_.finish(id, outcome);
      wake();
    });
  });
}

void BuiltinRunner::cancel(JobId job) {
  if (const auto found = running_.find(job); found != running_.end()) found->second->request_stop();
}

void BuiltinRunner::stop() {
  ports_.loop.call([this] {
    stopping_ = true;
    for (const auto& [job, flag] : running_) flag->request_stop();
    return 0;
  });
  workers_.stop();
}

}  // namespace tidegate::app
