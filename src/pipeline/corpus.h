// For tests: where the shared cases are.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>

namespace tidegate::pipeline {

/// The text of a file of the corpus ($TIDEGATE_CORPUS, or beside the source tree); nothing when absent.
inline std::optional<std::string> read_corpus(const std::string& name) {
  const char* set = std::getenv("TIDEGATE_CORPUS");  // NOLINT(concurrency-mt-unsafe)
  const std::filesystem::path root =
      set != nullptr ? set : std::filesystem::path(TIDEGATE_SOURCE_DIR) / ".." / "shared" / "corpus";
  std::ifstream file(root / name, std::ios::binary);
  if (!file) return std::nullopt;
  return std::string(std::istreambuf_iterator<char>(file), {});
}

}  // namespace tidegate::pipeline
