// `tidegate run`: the pipeline of a directory, here and now, without a server.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "app/local/job_selection.h"
#include "main/local_context.h"

namespace tidegate::main {

struct RunOptions {
  LocalOptions local;
  app::JobChoice choice;
  std::string executor = "auto";  ///< auto, docker, shell
  std::filesystem::path docker_socket;
  std::vector<std::string> data;  ///< SOURCE=FILE: what TIDEGATE_DATA_<SOURCE> is to show
  unsigned concurrency = 0;       ///< 0: the number of cores
  bool json = false;
};

int run(const RunOptions& options);

}  // namespace tidegate::main
