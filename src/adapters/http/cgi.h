// Git over HTTP: requests handed to `git http-backend` (CGI), both ways streamed.
#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "adapters/http/message.h"
#include "base/time.h"

namespace tidegate::http {

struct GitBackend {
  std::filesystem::path project_root;              ///< folder of the bare repositories
  std::map<std::string, std::string> environment;  ///< added, e.g. for hooks
  Millis timeout{Millis{3600000}};                 ///< of one request
};

/// Answers with what git says. `path_info` is the repository and the rest below project_root, decoded and
/// already authorised: "/group/name.git/info/refs". `remote_user` (not empty allows a push) is seen by hooks
/// as REMOTE_USER. Blocks the calling worker until the answer is complete. `hook_environment` goes to git and
/// its hooks.
void serve_git(const GitBackend& backend, Request request, const std::string& path_info,
               const std::string& remote_user, const std::map<std::string, std::string>& hook_environment,
               Reply reply);

}  // namespace tidegate::http
