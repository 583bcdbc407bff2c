// The pipeline of a directory: its definition, and the context that the command line and Git give.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "app/local/working_copy.h"
#include "base/result.h"
#include "config/load.h"
#include "pipeline/plan.h"

namespace tidegate::main {

/// The bytes behind a URL, for include:remote.
using RemoteFile = std::function<Result<std::string>(const std::string& url)>;

/// Options that list, lint and run share (the command line's "Context").
struct LocalOptions {
  std::filesystem::path directory = ".";
  std::string file = ".gitlab-ci.yml";
  std::string ref;  ///< empty: Git's branch, else "main"
  bool tag = false;
  std::string default_branch;  ///< empty: Git's, else "main"
  std::string source = "push";
  std::vector<std::string> variables;       ///< KEY=VALUE, or KEY: its value in the environment
  std::vector<std::string> env_files;       ///< see app::parse_env_file
  std::vector<std::string> file_variables;  ///< KEY=FILE
  std::vector<std::string> masked;          ///< names of variables whose values the output hides
  std::vector<std::string> changed;
  bool changed_unknown = false;
  std::vector<std::string> inputs;        ///< KEY=VALUE, for the configuration's spec:inputs
  std::vector<std::string> project_dirs;  ///< GROUP/NAME=DIR, for include:project and include:component
  std::filesystem::path templates;        ///< folder of include:template; empty: none
  RemoteFile remote;
};

/// A directory with its configuration. It stays where it is: the loaded sources refer to the working copy.
struct LocalProject {
  app::WorkingCopy copy;
  config::Loaded loaded;
};

/// Reads the configuration file and its includes, for the context that the options give. kNotFound when the
/// directory or the file is not there.
Status open_project(const LocalOptions& options, LocalProject& project);

/// Where includes are read from; the scope of their rules is the caller's to set. `copy` and `context`
/// must outlive the answer.
Result<config::Sources> include_sources_of(const LocalOptions& options, const app::WorkingCopy& copy,
                                           const pipeline::Context& context);

/// The pipeline variables of the command line: those of env files, then file variables, then --var; the last
/// one of a name counts. kInvalid and kNotFound name what is wrong.
Result<pipeline::JobVariables> variables_of(const LocalOptions& options);

/// Without --changed and --changed-unknown, Git says what changed, when some rule asks. `project` must
/// outlive the context.
Result<pipeline::Context> context_of(const LocalOptions& options, const LocalProject& project);

}  // namespace tidegate::main
