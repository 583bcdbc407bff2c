// The part of the Docker Engine API that jobs need, as plain values.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "adapters/docker/attach_stream.h"
#include "adapters/docker/image_name.h"
#include "app/ports/executor.h"
#include "base/result.h"
#include "pipeline/job_message.h"
#include "sys/http_client.h"

namespace tidegate::docker {

using Labels = std::map<std::string, std::string>;

struct ImageInfo {
  std::string id;
  std::string user;  ///< of its configuration; empty: root
};

struct ContainerSpec {
  std::string image;
  std::string platform;
  std::optional<std::vector<std::string>> entrypoint;  ///< nothing: the image's
  std::optional<std::vector<std::string>> command;     ///< nothing: the image's
  std::vector<std::string> environment;                ///< KEY=value; KEY alone takes the image's away
  std::string working_directory;
  std::string user;
  Labels labels;
  std::vector<app::Mount> mounts;
  std::string network;                   ///< name or mode; empty: the engine's default
  std::vector<std::string> aliases;      ///< on a user-defined network only
  std::vector<std::string> extra_hosts;  ///< name:address
  bool keep_log = false;                 ///< false: output goes to attached clients only
  std::optional<std::int64_t> memory_bytes;
  std::optional<double> cpus;
};

struct ContainerState {
  bool running = false;
  int exit_code = 0;
  bool out_of_memory = false;
  std::string health;                            ///< "", "starting", "healthy", "unhealthy"
  std::map<std::string, std::string> addresses;  ///< network → IP address
  std::vector<std::uint16_t> tcp_ports;          ///< exposed, ascending
};

/// Blocking; one object per thread. Every error message begins with what was asked of the engine.
/// kUnavailable: the engine does not answer. kNotFound: no such object.
/// Source: Docker Engine API 1.41 (and later ones, which the same calls fit).
class EngineClient {
 public:
  explicit EngineClient(std::filesystem::path socket);

  /// Agrees on the API version; to be called first.
  Status connect();

  /// Nothing when the engine does not have it.
  Result<std::optional<ImageInfo>> find_image(const std::string& name);
  Status pull(const ImageName& image, const std::string& platform,
              const pipeline::JobCredentials* credentials, const sys::StopFlag& stop);

  /// `internal`: it leads nowhere outside.
  Result<std::string> create_network(const std::string& name, const Labels& labels, bool internal = false);
  Status remove_network(const std::string& id);

  Result<std::string> create_container(const ContainerSpec& spec);
  Status start(const std::string& id);
  /// Output of the next start.
  Result<AttachStream> attach(const std::string& id);
  /// The exit code, once it does not run.
  Result<int> wait(const std::string& id);
  Result<ContainerState> inspect(const std::string& id);
  /// Success also when it does not run (any more).
  Status kill(const std::string& id, const std::string& signal);
  /// Starts a process in it as root and does not wait for it.
  Status exec_detached(const std::string& id, const std::vector<std::string>& argv);
  /// The last lines of what it printed (keep_log).
  Result<std::string> logs(const std::string& id, int lines);
  /// With its anonymous volumes; killed when it runs. Success also when it is gone.
  Status remove_container(const std::string& id);

  /// Ids of everything that carries all of these labels; an empty value means any.
  Result<std::vector<std::string>> containers_with(const Labels& labels);
  Result<std::vector<std::string>> networks_with(const Labels& labels);

 private:
  sys::HttpRequest request(std::string method, const std::string& path) const;
  Result<sys::HttpResponse> call(sys::HttpRequest request, std::string_view what);

  std::filesystem::path socket_;
  sys::HttpClient http_;
  std::string version_;  ///< "/v1.41"
};

}  // namespace tidegate::docker
