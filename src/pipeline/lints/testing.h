// For tests: a text linted as the `.gitlab-ci.yml` of a repository that has these other files.
#pragma once

#include "config/testing.h"
#include "pipeline/lints/lint.h"

namespace tidegate::pipeline::lints::testing {

using Files = std::map<std::string, std::string>;

inline config::Diagnostics lint_text(std::string_view text, const Files& files = {}) {
  config::Sources sources;
  sources.read = [&files](const std::string& path) -> std::optional<std::string> {
    const auto found = files.find(path);
    return found == files.end() ? std::nullopt : std::optional(found->second);
  };
  sources.list = [&files] {
    std::vector<std::string> paths;
    for (const auto& [path, content] : files) paths.push_back(path);
    return paths;
  };
  return lint(config::testing::load_text(text, files), sources);
}

}  // namespace tidegate::pipeline::lints::testing
