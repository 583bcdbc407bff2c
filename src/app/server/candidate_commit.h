// The commit of a candidate: a base with nothing changed but the bound address. Blocking.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "app/server/server_ports.h"

namespace tidegate::app {

/// The data's address is bound in a variable of the pipeline only, and the candidate is its base itself.
inline bool in_variable(const Version& version) {
  return !version.candidate_sha.empty() && version.candidate_sha == version.base_sha;
}

/// "training-7"
std::string candidate_name(const Version& version);
/// The branch that people see while it is undecided.
std::string candidate_branch(const Version& version);

/// Makes the commit on `base`; the same version on the same base gives the same commit. kInvalid, kConflict:
/// the code at `base` has no single place for it, or names this very version already.
Result<std::string> make_commit(GitRepository& repository, const Version& version, const std::string& base);

/// Makes `ref` point at `sha`, wherever it is; kUnavailable when somebody else moves it at the same time.
Status point_ref(GitRepository& repository, const std::string& ref, const std::string& sha);

/// Removes the candidate's branch, if it is there.
Status drop_branch(GitRepository& repository, const Version& version);

/// Whether two commits differ in nothing but the data that they name.
Result<bool> is_same_code(GitRepository& repository, const std::string& a, const std::string& b);

}  // namespace tidegate::app
