// The lint endpoints' use case: a project's configuration, or one that is sent, against a commit's tree.
#pragma once

#include <optional>
#include <string>

#include "app/lint/lint_project.h"
#include "app/server/server_ports.h"
#include "config/load.h"

namespace tidegate::app {

struct CommitLintRequest {
  std::string ref;                     ///< branch, tag or commit; empty: the default branch
  std::optional<std::string> content;  ///< nothing: the commit's own .gitlab-ci.yml
};

struct CommitLint {
  LintReport report;
  config::Loaded loaded;
};

/// Blocks (Git, the state thread, URLs that are included); not from the state thread. What may be included is
/// what a pipeline of the commit may include. An unknown ref is kNotFound, unless there is content: that is
/// linted against an empty tree then, as in a project without commits. A commit without a configuration is an
/// answer with an error, as GitLab has it.
Result<CommitLint> lint_commit(const ServerPorts& ports, const Project& project,
                               const CommitLintRequest& request);

}  // namespace tidegate::app
