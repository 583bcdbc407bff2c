// Executor over the Docker Engine API: dockerd, podman, or Tidegate's own engine.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "app/ports/executor.h"

namespace tidegate::docker {

struct DockerSettings {
  std::filesystem::path socket = "/var/run/docker.sock";
  /// Label on every object. remove_leftovers takes away whatever carries it, so no two runners of one engine
  /// may have the same at the same time.
  std::string runner = "tidegate";
  std::string default_image;  ///< for jobs that name none; empty: such a job is refused
  std::string
      network_mode;  ///< of containers without services: "bridge", "host", a network; empty: the engine's
  std::vector<std::string> extra_hosts;      ///< name:address, for every container
  std::optional<std::int64_t> memory_bytes;  ///< of one job's container
  std::optional<double> cpus;
  /// Jobs that ask for docker-in-docker get this engine's socket. Whoever has it has this machine: with false
  /// such jobs are refused.
  bool share_engine = true;
  Millis grace{10'000};            ///< between SIGTERM and SIGKILL
  Millis service_timeout{30'000};  ///< for all services of a job to become healthy
};

/// One container per job, made at the first script and started again for the next, so that after_script finds
/// the files the script left. The image's entrypoint is kept and gets the shell as its arguments, as on
/// GitLab. Services run in a network of the job's own. docker-in-docker is not started: the job talks to this
/// engine instead, so images that it builds are there for the next job.
class DockerExecutor : public app::Executor {
 public:
  explicit DockerExecutor(DockerSettings settings) : settings_(std::move(settings)) {}

  std::string name() const override { return "docker"; }
  Result<std::unique_ptr<app::JobEnvironment>> prepare(const pipeline::JobMessage& message,
                                                       const app::JobSpace& space,
                                                       const app::OnOutput& on_output,
                                                       const sys::StopFlag& cancel) override;
  Status remove_leftovers(const std::vector<JobId>& jobs) override;

  /// Success when an engine answers at the socket; else kEnvironment, which says why not and what to do.
  static Status probe(const std::filesystem::path& socket);

 private:
  DockerSettings settings_;
};

}  // namespace tidegate::docker
