// `tidegate run`: the pipeline of a directory, here and now, without a server.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "app/local/job_selection.h"
#include "app/local/run_pipeline.h"
#include "main/local_context.h"

namespace tidegate::main {

struct RunOptions {
  LocalOptions local;
  app::JobChoice choice;
  std::string executor = "auto";  ///< auto, docker, shell
  std::filesystem::path docker_socket;
  std::vector<std::string> data;  ///< SOURCE=FILE: what TIDEGATE_DATA_<SOURCE> is to show
  unsigned parallel = 0;          ///< jobs at once; 0: the number of cores
  std::string view = "auto";      ///< auto, live, plain
  bool json = false;
  bool dry_run = false;
};

/// 128 + signal when a signal ended it.
int run(const RunOptions& options);

/// {status, good, duration_ms, jobs}
std::string result_json(const app::LocalResult& result);

/// Says on stdout what a run would do.
Status print_dry_run(const RunOptions& options, const config::Definition& definition,
                     const pipeline::Plan& plan, bool docker_answers);

}  // namespace tidegate::main
