// Loads one curriculum file under several loads' ids and prints the seconds of each; bench/graph-load calls
// it.
//   graph_load_bench FILE GRAPH LOAD BATCH      server from NEO4J_HTTP_URL, NEO4J_USER, NEO4J_PASSWORD
#include <chrono>
#include <cstdlib>
#include <string>

#include <fmt/core.h>

#include "adapters/neo4j/loader.h"

namespace {

using Steady = std::chrono::steady_clock;

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

double since(Steady::time_point start) {
  return std::chrono::duration<double>(Steady::now() - start).count();
}

}  // namespace

int main(int argc, char** argv) {
  using namespace tidegate;
  if (argc != 5) return 2;
  app::GraphRequest request;
  request.file = argv[1];
  request.name = argv[2];
  request.load = argv[3];
  request.rules.max_elements = 5'000'000;
  request.server = {variable("NEO4J_HTTP_URL"), variable("NEO4J_USER"), Secret(variable("NEO4J_PASSWORD")),
                    "neo4j"};
  neo4j::LoaderOptions options;
  options.batch = std::stoul(argv[4]);
  const auto start = Steady::now();
  Steady::time_point first, last;
  const auto progress = [&](std::string_view line) {
    if (line.starts_with("loading ")) first = Steady::now();
    if (line.starts_with("edges ")) last = Steady::now();
  };
  const auto outcome = neo4j::make_loader(options)->load(request, progress, nullptr);
  if (!outcome || !outcome->live) {
    fmt::print(stderr, "{}\n", outcome ? outcome->problems.front() : outcome.error().message);
    return 1;
  }
  fmt::print("{{\"rows\": {}, \"write\": {:.4f}, \"whole\": {:.4f}}}\n", outcome->nodes + outcome->edges,
             std::chrono::duration<double>(last - first).count(), since(start));
}
