#include "adapters/docker/image_name.h"

#include <gtest/gtest.h>

namespace tidegate::docker {
namespace {

using Names = std::vector<std::string>;

Names names_of(const std::string& image, Names aliases = {}) {
  pipeline::JobImage service;
  service.name = image;
  service.aliases = std::move(aliases);
  return service_names(service);
}

TEST(ImageName, PartsAreFoundWhereTheyAre) {
  struct Case {
    std::string text, registry, repository, tag;
  };
  for (const Case& one :
       {Case{"python", "docker.io", "python", "latest"}, Case{"python:3.11", "docker.io", "python", "3.11"},
        Case{"team/app:1", "docker.io", "team/app", "1"},
        Case{"localhost:5000/app", "localhost:5000", "localhost:5000/app", "latest"},
        Case{"localhost/app:2", "localhost", "localhost/app", "2"},
        Case{"r.example.com/a/b:c", "r.example.com", "r.example.com/a/b", "c"},
        Case{"r.example.com/a@sha256:00ff", "r.example.com", "r.example.com/a", "sha256:00ff"},
        Case{"r:1/a:b@sha256:00ff", "r:1", "r:1/a", "sha256:00ff"}}) {
    const ImageName name = parse_image_name(one.text);
    EXPECT_EQ(name.registry, one.registry) << one.text;
    EXPECT_EQ(name.repository, one.repository) << one.text;
    EXPECT_EQ(name.tag, one.tag) << one.text;
  }
}

TEST(ServiceNames, AreGitLabs) {
  EXPECT_EQ(names_of("postgres:15"), (Names{"postgres"}));
  EXPECT_EQ(names_of("tutum/wordpress:latest"), (Names{"tutum__wordpress", "tutum-wordpress"}));
  EXPECT_EQ(names_of("registry.example.com:4999/my/db:1", {"db, main"}),
            (Names{"registry.example.com__my__db", "registry.example.com-my-db", "db", "main"}));
}

TEST(DockerInDocker, IsToldByNameAndTag) {
  for (const char* yes :
       {"docker:dind", "docker:24.0-dind", "r.example.com:5000/mirror/docker:dind-rootless"}) {
    EXPECT_TRUE(is_docker_in_docker(yes)) << yes;
  }
  for (const char* no :
       {"docker:latest", "docker", "my-docker:dind", "docker/compose:dind2x/y", "postgres:dind"}) {
    EXPECT_FALSE(is_docker_in_docker(no)) << no;
  }
}

TEST(Credentials, AreFoundByRegistry) {
  const std::vector<pipeline::JobCredentials> all{{"https://r.example.com:5000", "a", Secret("x")},
                                                  {"https://index.docker.io/v1/", "b", Secret("y")}};
  EXPECT_EQ(credentials_for(parse_image_name("r.example.com:5000/a"), all), &all[0]);
  EXPECT_EQ(credentials_for(parse_image_name("python:3"), all), &all[1]);
  EXPECT_EQ(credentials_for(parse_image_name("r.example.com/a"), all), nullptr);
}

}  // namespace
}  // namespace tidegate::docker
