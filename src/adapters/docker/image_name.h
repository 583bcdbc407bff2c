// Image references as pipelines write them: registry, aliases of services, and docker-in-docker.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "pipeline/job_message.h"

namespace tidegate::docker {

/// "registry.example.com:5000/team/app:1.2" in its parts. `repository` has the registry in it, as the Engine
/// API wants it; `tag` is a tag or a digest ("sha256:…"), "latest" when none is written.
struct ImageName {
  std::string registry;  ///< "docker.io" when none is written
  std::string repository;
  std::string tag;
  bool digest = false;
};
ImageName parse_image_name(std::string_view text);

/// The names by which a service is reached: from the image ("team/my-db:1" is team__my-db and team-my-db),
/// then its aliases. Without the registry's port and the tag, as GitLab makes them (common/build.go,
/// services splitNameAndVersion).
std::vector<std::string> service_names(const pipeline::JobImage& service);

/// True for the images of docker-in-docker: the repository is called "docker" and the tag says "dind".
bool is_docker_in_docker(std::string_view image);

/// The credentials for the image's registry, or nullptr.
const pipeline::JobCredentials* credentials_for(const ImageName& image,
                                                const std::vector<pipeline::JobCredentials>& all);

}  // namespace tidegate::docker
