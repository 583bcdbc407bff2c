// Sources: what the compiler of a configuration may ask about the outside.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "config/include_scope.h"
#include "config/inputs.h"

namespace tidegate::config {

/// One commit of a project, or a folder. What a file of it includes with `local` is read here too.
struct Repository {
  std::string project;  ///< "group/name"; empty for the pipeline's own
  std::string label;    ///< how diagnostics call it ("group/name@v1"); empty for the pipeline's own
  std::string sha;      ///< empty for a folder
  /// The text of a file at the repository's root-relative path ("ci/build.yml"); nothing when there is none.
  std::function<std::optional<std::string>(const std::string& path)> read;
  /// All paths, for include:local with wildcards and rules:exists. May be empty: then there are none.
  std::function<std::vector<std::string>()> list;
};

/// Another project that an include names.
struct ProjectRequest {
  std::string host;     ///< of a component; empty: this server, whichever it is
  std::string project;  ///< "group/name", as written
  std::string ref;      ///< branch, tag or sha; empty: the head of the default branch
};

/// All are functions of one commit (or directory) and one moment: the same question has the same answer.
/// A member may be empty; then such includes are known and "not available here" (include-unavailable).
/// Errors: kNotFound means that the thing is not there, anything else that it cannot be had here or now; the
/// message is shown as it is.
struct Sources {
  std::function<std::optional<std::string>(const std::string& path)> read;  ///< of the pipeline's own commit
  std::function<std::vector<std::string>()> list;                           ///< likewise
  std::string sha;                                                          ///< likewise; may be empty

  /// include:project and include:component.
  std::function<Result<Repository>(const ProjectRequest&)> project;
  /// All tags of a project, for a component's `~latest` and partial versions. The ref is not looked at.
  std::function<Result<std::vector<std::string>>(const ProjectRequest&)> tags;
  /// include:remote: the bytes behind a URL. Whoever answers decides which URLs are allowed.
  std::function<Result<std::string>(const std::string& url)> remote;
  /// include:template: the text of a template by its name ("Jobs/Build.gitlab-ci.yml").
  std::function<Result<std::string>(const std::string& name)> template_file;
  /// include:artifact, which only a child pipeline may use: a file of the artifacts of a job before it.
  std::function<Result<std::string>(const std::string& job, const std::string& path)> artifact;

  IncludeScope scope;
  GivenInputs inputs;  ///< for the `spec:inputs` of the configuration itself
};

/// All paths of a project at a ref (empty: its default branch), as `sources` can have it now.
std::function<Result<std::vector<std::string>>(const std::string& project, const std::string& ref)> tree_of(
    const Sources& sources);

}  // namespace tidegate::config
