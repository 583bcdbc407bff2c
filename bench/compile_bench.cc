// How long the compiler takes for a real project: load (with all local includes), lint nothing, compile.
// Usage: compile_bench FOLDER [FILE]
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <vector>

#include "config/load.h"
#include "pipeline/plan.h"

namespace {

namespace fs = std::filesystem;
using namespace tidegate;

std::optional<std::string> slurp(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return std::nullopt;
  return std::string(std::istreambuf_iterator<char>(file), {});
}

config::Sources sources_of(const fs::path& root) {
  config::Sources sources;
  sources.read = [root](const std::string& path) { return slurp(root / path); };
  sources.list = [root] {
    std::vector<std::string> paths;
    for (const auto& entry : fs::recursive_directory_iterator(root))
      if (entry.is_regular_file()) paths.push_back(fs::relative(entry.path(), root).string());
    return paths;
  };
  return sources;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  const fs::path root = argv[1];
  const std::string name = argc > 2 ? argv[2] : ".gitlab-ci.yml";
  const auto text = slurp(root / name);
  if (!text) return 3;
  const auto sources = sources_of(root);
  std::vector<double> milliseconds;
  std::size_t jobs = 0;
  for (int round = 0; round < 51; ++round) {
    const auto begin = std::chrono::steady_clock::now();
    const config::Loaded loaded = config::load(*text, name, sources);
    if (!loaded.definition) {
      std::fprintf(stderr, "compile_bench: refused: %s\n", loaded.diagnostics.front().message.c_str());
      return 1;
    }
    jobs = pipeline::compile(*loaded.definition, {}).jobs.size();
    const std::chrono::duration<double, std::milli> taken = std::chrono::steady_clock::now() - begin;
    milliseconds.push_back(taken.count());
  }
  std::ranges::sort(milliseconds);
  std::printf("compile %s: %zu jobs, median %.2f ms, fastest %.2f ms\n", root.filename().c_str(), jobs,
              milliseconds[milliseconds.size() / 2], milliseconds.front());
  return 0;
}
