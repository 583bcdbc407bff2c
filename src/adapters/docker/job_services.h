// The services of a job: their network, containers and health.
#pragma once

#include <string>
#include <vector>

#include "adapters/docker/docker_executor.h"
#include "adapters/docker/engine_client.h"
#include "app/ports/executor.h"
#include "base/result.h"
#include "pipeline/job_message.h"

namespace tidegate::docker {

struct JobServices {
  std::string network;                   ///< what the job's container joins
  std::string own_network;               ///< to be removed at the end; empty: none was made
  std::vector<std::string> containers;   ///< to be removed at the end
  std::vector<std::string> extra_hosts;  ///< name:address of each service
  bool docker_in_docker = false;         ///< asked for; the job gets this engine instead
};

/// Pulls and starts the services and waits until they are healthy: the image's HEALTHCHECK if it has one,
/// else until the first exposed TCP port takes connections; after settings.service_timeout it warns and goes
/// on. `services` is filled as things are made, so that the caller can remove them whatever the outcome is.
Status start_services(EngineClient& engine, const DockerSettings& settings,
                      const pipeline::JobMessage& message, const Labels& labels,
                      const app::OnOutput& on_output, const sys::StopFlag& cancel, JobServices& services);

void remove_services(EngineClient& engine, const JobServices& services);

}  // namespace tidegate::docker
