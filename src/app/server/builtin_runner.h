// The built-in runner: takes pending jobs as slots are free and runs them on workers of its own.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "app/server/pipelines.h"
#include "app/server/server_ports.h"

namespace tidegate::app {

class BuiltinRunner {
 public:
  BuiltinRunner(ServerPorts& ports, Pipelines& pipelines);

  /// State thread: takes jobs while there are free slots.
  void wake();
  /// Called on the state thread when a job's release made a tag.
  void on_tag(std::function<void(const Project&)> callback) { on_tag_ = std::move(callback); }
  /// State thread: the job's script is to be ended.
  void cancel(JobId job);
  /// Ends running jobs (their containers too) and waits for them. Not from the state thread.
  void stop();

 private:
  void start(Job job);

  ServerPorts& ports_;
  Pipelines& pipelines_;
  Workers workers_;
  unsigned free_;
  std::map<JobId, std::shared_ptr<sys::StopFlag>> running_;
  bool stopping_ = false;
  std::function<void(const Project&)> on_tag_;
};

}  // namespace tidegate::app
