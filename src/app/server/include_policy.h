// What the pipelines of the server may include from elsewhere.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "app/ports/git_repository.h"
#include "app/server/server_ports.h"
#include "config/sources.h"

namespace tidegate::app {

/// A project may include itself, projects of its own group (the first part of the path), and those that
/// `shared` names ("group/name", or "group/*" for all below). Paths are compared without regard to case.
bool may_include(std::string_view own, std::string_view other, const std::vector<std::string>& shared);

/// "ci.example.com:8443" of "https://ci.example.com:8443": what components of this server begin with.
std::string host_of(std::string_view url);

/// The files of `own` at a commit, with what its pipelines may include: `projects` are all of the server (as
/// the store has them now). For one worker: the answer opens repositories and reads URLs. `ports` must
/// outlive it.
config::Sources include_sources(const ServerPorts& ports, const Project& own, std::vector<Project> projects,
                                std::shared_ptr<GitRepository> repository, const std::string& sha);

}  // namespace tidegate::app
