// What a job finds in its environment: the message's variables as the runner resolves them.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/job_message.h"

namespace tidegate::app {

/// Replaces $NAME and ${NAME} by their values; what is not defined becomes nothing, `$$` one dollar sign.
/// Source: GitLab Runner's JobVariables.ExpandValue.
std::string expand_variables(std::string_view text, const std::map<std::string, std::string>& values);

/// A variable of type file: the job gets the path, and finds the value there.
struct FileVariable {
  std::string key;
  std::string content;
};

struct ResolvedVariables {
  std::map<std::string, std::string> environment;
  std::vector<FileVariable> files;    ///< to be written to `<file_directory>/<key>`
  std::vector<std::string> warnings;  ///< variables that cannot be passed on, and why; without values
};

/// Later variables of a key win; values that are not raw are expanded, also when they name each other
/// (a circle is left as it stands). File variables get `file_directory`/KEY as their value. Pure.
ResolvedVariables resolve_variables(const pipeline::JobVariables& variables,
                                    const std::string& file_directory);

/// The values that must not be seen: masked variables, the job token, registry passwords.
std::vector<std::string> secrets_of(const pipeline::JobMessage& message);

/// A copy of the message whose image, services and artifact and cache names and paths have been expanded.
pipeline::JobMessage expand_message(pipeline::JobMessage message,
                                    const std::map<std::string, std::string>& values);

}  // namespace tidegate::app
