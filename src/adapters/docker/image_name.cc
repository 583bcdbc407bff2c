#include "adapters/docker/image_name.h"

#include <algorithm>

#include "base/text.h"

namespace tidegate::docker {

namespace {

// The first segment is a registry when it could not be a Docker Hub user (distribution/reference,
// normalize.go).
bool is_registry(std::string_view segment) {
  return segment == "localhost" || segment.find_first_of(".:") != std::string_view::npos;
}

std::string host_of(std::string_view url) {
  for (const std::string_view scheme : {"https://", "http://"}) {
    if (url.starts_with(scheme)) url.remove_prefix(scheme.size());
  }
  const std::string host(url.substr(0, url.find('/')));
  return host == "index.docker.io" || host == "registry-1.docker.io" ? "docker.io" : host;
}

void add_once(std::vector<std::string>& names, std::string name) {
  if (!name.empty() && std::ranges::find(names, name) == names.end()) names.push_back(std::move(name));
}

}  // namespace

ImageName parse_image_name(std::string_view text) {
  ImageName name;
  const std::size_t first = text.find('/');
  name.registry = "docker.io";
  if (first != std::string_view::npos && is_registry(text.substr(0, first))) {
    name.registry = host_of(text.substr(0, first));
  }
  if (const std::size_t at = text.find('@'); at != std::string_view::npos) {
    name.digest = true;
    name.tag = text.substr(at + 1);
    text = text.substr(0, at);
  }
  const std::size_t slash = text.rfind('/');
  const std::size_t colon = text.rfind(':');
  const bool tagged = colon != std::string_view::npos && (slash == std::string_view::npos || colon > slash);
  name.repository = text.substr(0, tagged ? colon : text.size());
  if (!name.digest) name.tag = tagged ? std::string(text.substr(colon + 1)) : "latest";
  return name;
}

std::vector<std::string> service_names(const pipeline::JobImage& service) {
  std::string base = parse_image_name(service.name).repository;
  const std::size_t slash = base.find('/');
  const std::size_t colon = base.find(':');  // of the registry's port
  if (colon != std::string::npos && slash != std::string::npos && colon < slash)
    base.erase(colon, slash - colon);
  std::vector<std::string> names;
  add_once(names, replace_all(base, "/", "__"));
  add_once(names, replace_all(base, "/", "-"));
  for (const std::string& alias : service.aliases) {
    for (const std::string& part : split(replace_all(alias, ",", " "), ' ')) add_once(names, part);
  }
  return names;
}

bool is_docker_in_docker(std::string_view image) {
  const ImageName name = parse_image_name(image);
  const std::size_t slash = name.repository.rfind('/');
  const std::string last = slash == std::string::npos ? name.repository : name.repository.substr(slash + 1);
  return last == "docker" && !name.digest && name.tag.find("dind") != std::string::npos;
}

const pipeline::JobCredentials* credentials_for(const ImageName& image,
                                                const std::vector<pipeline::JobCredentials>& all) {
  for (const pipeline::JobCredentials& credentials : all) {
    if (host_of(credentials.url) == image.registry) return &credentials;
  }
  return nullptr;
}

}  // namespace tidegate::docker
