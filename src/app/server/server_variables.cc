#include "app/server/server_variables.h"

#include <utility>

#include "base/text.h"
#include "pipeline/predefined.h"

namespace tidegate::app {
namespace {

pipeline::JobVariable plain(std::string key, std::string value) {
  return {std::move(key), std::move(value)};
}

pipeline::JobVariable masked(std::string key, std::string value) {
  pipeline::JobVariable out{std::move(key), std::move(value)};
  out.is_public = false;
  out.masked = true;
  return out;
}

}  // namespace

std::string ServerPorts::image_prefix(const Project& project) const {
  return settings.registry.host.empty() ? std::string()
                                        : settings.registry.host + "/" + to_lower(project.path);
}

pipeline::JobVariables predefined_variables(const ServerPorts& ports, const Project& project) {
  const std::string& url = ports.settings.external_url;
  auto out = pipeline::server_predefined(url);
  for (auto& variable : pipeline::project_predefined(
           {.id = project.id.value(), .path = project.path, .url = url + "/" + project.path})) {
    out.push_back(std::move(variable));
  }
  const auto& registry = ports.settings.registry;
  if (!registry.host.empty()) {
    out.push_back(plain("CI_REGISTRY", registry.host));
    out.push_back(plain("CI_REGISTRY_IMAGE", ports.image_prefix(project)));
    out.push_back(plain("CI_REGISTRY_USER", registry.user));
    out.push_back(masked("CI_REGISTRY_PASSWORD", registry.password.reveal()));
  }
  return out;
}

}  // namespace tidegate::app
