// DockerJob: one job's container.
#pragma once

#include <map>
#include <set>
#include <string>

#include "adapters/docker/docker_executor.h"
#include "adapters/docker/engine_client.h"
#include "adapters/docker/job_services.h"
#include "app/ports/executor.h"

namespace tidegate::docker {

/// Owns the job's container, services and network: they are gone when this is.
class DockerJob : public app::JobEnvironment {
 public:
  DockerJob(EngineClient engine, DockerSettings settings, app::JobSpace space, Labels labels);
  ~DockerJob() override;

  /// Images and services; to be called once, before run().
  Status prepare(const pipeline::JobMessage& message, const app::OnOutput& on_output,
                 const sys::StopFlag& cancel);

  Result<app::ScriptExit> run(const std::string& script, const std::map<std::string, std::string>& variables,
                              Millis timeout, const app::OnOutput& on_output,
                              const sys::StopFlag& cancel) override;

 private:
  std::map<std::string, std::string> adjusted(std::map<std::string, std::string> variables) const;
  Status create(const std::map<std::string, std::string>& variables);
  Status open_folders() const;
  std::string changes(const std::map<std::string, std::string>& variables) const;
  Result<app::ScriptExit> run_script(const std::string& script,
                                     const std::map<std::string, std::string>& environment, Millis timeout,
                                     const app::OnOutput& on_output, const sys::StopFlag& cancel);
  Status give_back();
  Result<app::ScriptExit> follow(AttachStream& output, Millis timeout, const app::OnOutput& on_output,
                                 const sys::StopFlag& cancel);
  void ask_to_end();

  EngineClient engine_;
  DockerSettings settings_;
  app::JobSpace space_;
  Labels labels_;
  pipeline::JobImage image_;
  ImageInfo image_info_;
  JobServices services_;
  std::string container_;
  std::map<std::string, std::string> created_with_;  ///< the container's variables
};

}  // namespace tidegate::docker
