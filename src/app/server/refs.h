// Refs: who pushed what. Compares a repository's branches and tags with those seen last, so that no push is
// lost, even one that was made while we were down. State thread only.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "app/server/pipelines.h"
#include "app/server/server_ports.h"
#include "app/server/sources.h"

namespace tidegate::app {

class Refs {
 public:
  Refs(ServerPorts& ports, Pipelines& pipelines, Sources& sources)
      : ports_(ports), pipelines_(pipelines), sources_(sources) {}

  /// Called after a push, at start, and after promotions. A moved branch gets a pipeline (source push);
  /// candidates do not: the gate makes theirs.
  void check(const Project& project);
  /// Called with each branch that was deleted.
  using OnBranchGone = std::function<void(const Project&, const std::string& branch)>;
  void on_branch_gone(OnBranchGone callback) { branch_gone_ = std::move(callback); }
  /// At start, in the background: what a killed process has locked would stay locked for ever.
  void clear_locks(const Project& project);

 private:
  using Listed = std::vector<std::pair<std::string, std::string>>;
  void compare(const Project& project, const Listed& now);
  void moved(const Project& project, const std::string& ref, const std::string& old_sha,
             const std::string& new_sha);

  ServerPorts& ports_;
  Pipelines& pipelines_;
  Sources& sources_;
  OnBranchGone branch_gone_;
  std::set<ProjectId> checking_;
  std::set<ProjectId> again_;                                        ///< asked for while one was under way
  std::set<std::tuple<ProjectId, std::string, std::string>> asked_;  ///< pushes whose pipeline is being made
};

}  // namespace tidegate::app
