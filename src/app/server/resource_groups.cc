// The server's answers about resource groups.
#include <algorithm>

#include "app/server/server.h"

namespace tidegate::app {

Result<std::vector<ResourceGroup>> Server::resource_groups(ProjectId project) {
  return ports_.loop.call([&] { return ports_.store.resource_groups(project); });
}

Result<ResourceGroup> Server::resource_group(ProjectId project, const std::string& key) {
  TG_TRY(const auto groups, resource_groups(project));
  const auto found = std::ranges::find(groups, key, &ResourceGroup::key);
  if (found == groups.end()) return fail(Errc::kNotFound, "404 Resource Group Not Found");
  return *found;
}

Status Server::set_process_mode(ProjectId project, const std::string& key, pipeline::ProcessMode mode) {
  return ports_.loop.call([&] { return pipelines_.set_process_mode(project, key, mode); });
}

}  // namespace tidegate::app
