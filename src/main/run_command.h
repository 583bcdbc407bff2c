// `tidegate run`: the pipeline of a directory, here and now, without a server.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "main/local_context.h"

namespace tidegate::main {

struct RunOptions {
  LocalOptions local;
  std::vector<std::string> jobs;  ///< only these, with what they need; empty: all
  std::string executor = "auto";  ///< auto, docker, shell
  std::filesystem::path docker_socket;
  std::vector<std::string> data;  ///< SOURCE=FILE: what TIDEGATE_DATA_<SOURCE> is to show
  unsigned concurrency = 0;       ///< 0: the number of cores
  bool json = false;
};

int run(const RunOptions& options);

}  // namespace tidegate::main
