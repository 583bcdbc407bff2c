#include "adapters/docker/docker_executor.h"

#include <system_error>
#include <unistd.h>
#include <utility>

#include <fmt/core.h>

#include "adapters/docker/docker_job.h"
#include "adapters/docker/engine_client.h"
#include "base/text.h"

namespace tidegate::docker {

namespace {

constexpr const char* kRunnerLabel = "tidegate.runner";
constexpr const char* kJobLabel = "tidegate.job";

Status remove_labelled(EngineClient& engine, const Labels& labels) {
  TG_TRY(const std::vector<std::string> containers, engine.containers_with(labels));
  for (const std::string& id : containers) TG_CHECK(engine.remove_container(id));
  TG_TRY(const std::vector<std::string> networks, engine.networks_with(labels));
  for (const std::string& id : networks) TG_CHECK(engine.remove_network(id));
  return {};
}

}  // namespace

Result<std::unique_ptr<app::JobEnvironment>> DockerExecutor::prepare(const pipeline::JobMessage& message,
                                                                     const app::JobSpace& space,
                                                                     const app::OnOutput& on_output,
                                                                     const sys::StopFlag& cancel) {
  EngineClient engine(settings_.socket);
  TG_CHECK(engine.connect());
  Labels labels{{kRunnerLabel, settings_.runner}, {kJobLabel, std::to_string(message.id.value())}};
  auto job = std::make_unique<DockerJob>(std::move(engine), settings_, space, std::move(labels));
  TG_CHECK(job->prepare(message, on_output, cancel));
  return job;
}

Status DockerExecutor::remove_leftovers(const std::vector<JobId>& jobs) {
  EngineClient engine(settings_.socket);
  TG_CHECK(engine.connect());
  if (jobs.empty()) return remove_labelled(engine, {{kRunnerLabel, settings_.runner}});
  for (const JobId job : jobs) {
    TG_CHECK(remove_labelled(engine,
                             {{kRunnerLabel, settings_.runner}, {kJobLabel, std::to_string(job.value())}}));
  }
  return {};
}

Status DockerExecutor::probe(const std::filesystem::path& socket) {
  if (EngineClient(socket).connect()) return {};
  std::error_code error;
  const std::string name = printable(socket.native());
  if (!std::filesystem::exists(socket, error) && error != std::errc::permission_denied) {
    return fail(
        Errc::kEnvironment,
        fmt::format("no Docker Engine: {} is not there. Install one (apt install docker.io) or start it "
                    "(systemctl start docker); elsewhere: --docker-socket or DOCKER_HOST",
                    name));
  }
  if (access(socket.c_str(), R_OK | W_OK) != 0) {
    return fail(
        Errc::kEnvironment,
        fmt::format("no Docker Engine: {} may not be used by this user. Join its group (usermod -aG docker "
                    "$USER, then log in again)",
                    name));
  }
  return fail(
      Errc::kEnvironment,
      fmt::format("no Docker Engine: nothing answers at {}. Start it (systemctl start docker)", name));
}

}  // namespace tidegate::docker
