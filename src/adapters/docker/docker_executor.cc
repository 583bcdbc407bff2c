#include "adapters/docker/docker_executor.h"

#include <utility>

#include "adapters/docker/docker_job.h"
#include "adapters/docker/engine_client.h"

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

bool DockerExecutor::answers(const std::filesystem::path& socket) {
  return EngineClient(socket).connect().has_value();
}

}  // namespace tidegate::docker
