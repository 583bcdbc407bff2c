// The lints over pipeline files of real projects: what they say there is counted, and each kind that may fire
// has its reason.
#include "pipeline/corpus.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <set>

#include <gtest/gtest.h>

#include "config/testing.h"
#include "pipeline/lints/lint.h"

namespace tidegate::pipeline::lints {
namespace {

namespace fs = std::filesystem;

/// What fires on files that work, and why that is no false alarm. Any other kind, or more of one, is looked
/// at.
struct Judged {
  const char* code;
  int most;
  const char* why;
};

const Judged kJudged[] = {
    {"image-latest", 28, "they do run whatever latest is"},
    {"image-without-tag", 6, "likewise, unsaid"},
    {"secret-in-arguments", 5, "docker login -p, against which docker itself warns"},
    {"environment-printed", 2, "a bare `env` and `printenv`, one in a job that is there for that"},
    {"download-into-shell", 1, "curl … | bash"},
    {"host-not-verified", 1, "StrictHostKeyChecking=no to a production host"},
    {"cache-without-paths", 1, "a job overwrites the cache of an anchor and loses its paths"},
    {"deploy-retried", 1, "default:retry reaches a deployment"},
    {"unused-anchor", 41, "37 in excerpts, whose rest would use them; 4 are dead text"},
    {"duplicate-pipelines", 1, "rules for branches and merge requests alike, without workflow:rules"},
    {"unused-hidden-job", 36, "in excerpts, whose rest would use them"},
};

TEST(LintCorpus, CountsPerKind) {
  const char* set = std::getenv("TIDEGATE_CORPUS");  // NOLINT(concurrency-mt-unsafe)
  const fs::path folder =
      set != nullptr ? fs::path(set) : fs::path(TIDEGATE_SOURCE_DIR) / ".." / "shared" / "corpus";
  if (!fs::exists(folder / "real")) GTEST_SKIP() << "skipped: no corpus";
  std::map<std::string, int> counts;
  std::string all;
  std::vector<fs::path> paths;
  for (const auto& entry : fs::directory_iterator(folder / "real"))
    if (entry.path().extension() == ".yml") paths.push_back(entry.path());
  std::ranges::sort(paths);
  for (const fs::path& path : paths) {
    const auto text = read_corpus("real/" + path.filename().string());
    const config::Loaded loaded = config::load(*text, path.filename().string(), {});
    for (const auto& found : lint(loaded, {})) {
      ++counts[found.code];
      all += config::testing::text_of({found});
    }
  }
  for (const auto& [code, count] : counts) std::cout << "  " << code << " " << count << "\n";
  for (const auto& [code, count] : counts) {
    const auto judged =
        std::ranges::find(kJudged, code, [](const Judged& one) { return std::string_view(one.code); });
    EXPECT_TRUE(judged != std::end(kJudged) && count <= judged->most) << code << " " << count;
  }
  if (std::getenv("TIDEGATE_VERBOSE") != nullptr) std::cout << all;  // NOLINT(concurrency-mt-unsafe)
}

}  // namespace
}  // namespace tidegate::pipeline::lints
