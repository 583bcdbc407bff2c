// The server's configuration file (YAML). docs/reference/server-config.md describes every key.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "app/ports/executor.h"
#include "app/server/server_ports.h"
#include "base/result.h"
#include "base/secret.h"
#include "base/time.h"

namespace tidegate::main {

struct ServerConfig {
  std::string listen = "127.0.0.1:8080";
  std::filesystem::path data = "tidegate-data";
  std::string external_url;  ///< empty: http://<listen>

  struct S3 {
    std::string endpoint;
    std::string region = "us-east-1";
    std::string access_key;
    Secret secret_key;
    std::filesystem::path ca_file;
  } s3;
  struct Sns {
    bool verify = true;
    std::filesystem::path ca_file;
  } sns;
  struct Queue {
    std::string queue_url;
    std::string project;  ///< group/name
    std::string source;   ///< empty: each event goes where its bucket is read from
    std::string region;   ///< empty: that of `s3`
    std::string access_key;
    Secret secret_key;
    std::filesystem::path ca_file;
  };
  std::vector<Queue> sqs;
  struct Registry {
    std::string host;
    std::string user;
    Secret password;
    std::filesystem::path cert_dir;
    bool tls_verify = true;
  } registry;
  struct Ssh {
    std::filesystem::path config;
  } ssh;
  struct Neo4j {
    std::string url;
    std::string user = "neo4j";
    Secret password;
    std::string database = "neo4j";
  } neo4j;
  std::string mlflow_url;   ///< mlflow: {url: …}
  Seconds mlflow_poll{30};  ///< mlflow: {poll: …}
  struct Runner {
    unsigned slots = 2;
    std::string executor = "docker";
    std::filesystem::path docker_socket = "/var/run/docker.sock";
    std::string network;
    std::string default_image;
    bool share_engine = true;
    std::map<std::string, std::string> environment;
    std::vector<app::Mount> mounts;
    std::optional<std::vector<std::string>> tags;
    bool run_untagged = true;
    std::filesystem::path secrets;
    unsigned cache_gib = 20;
  } runner;
  app::IncludePolicy include;
  Seconds reconcile_every{60};
  Seconds directory_poll{2};
  Seconds drift_every{3600};
};

/// Reads the file; `${NAME}` in a value is that environment variable. Every wrong key and value is named with
/// its line in the one error. An empty path: all defaults.
Result<ServerConfig> read_server_config(const std::filesystem::path& file);

}  // namespace tidegate::main
