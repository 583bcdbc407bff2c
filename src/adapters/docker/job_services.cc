#include "adapters/docker/job_services.h"

#include <algorithm>
#include <arpa/inet.h>
#include <chrono>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <thread>

#include <fmt/core.h>

#include "adapters/docker/job_images.h"
#include "base/log.h"
#include "base/sha256.h"
#include "base/text.h"
#include "sys/unique_fd.h"

namespace tidegate::docker {

namespace {

using Steady = std::chrono::steady_clock;
constexpr Millis kHealthTick{100};
constexpr int kConnectMillis = 500;
constexpr int kLogLines = 20;

bool connects(const std::string& address, std::uint16_t port) {
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  if (::inet_pton(AF_INET, address.c_str(), &to.sin_addr) != 1) return false;
  const sys::UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): the sockets API
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0) return true;
  if (errno != EINPROGRESS) return false;
  pollfd watched{fd.get(), POLLOUT, 0};
  if (::poll(&watched, 1, kConnectMillis) <= 0) return false;
  int error = 0;
  socklen_t size = sizeof error;
  return ::getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error == 0;
}

// Services see what is public; the values of secrets are the job's alone (as on GitLab: PublicOrInternal).
std::vector<std::string> service_environment(const pipeline::JobMessage& message,
                                             const pipeline::JobImage& service) {
  std::map<std::string, std::string> values;
  for (const auto& variable : message.variables) {
    if (variable.is_public && !variable.masked && !variable.file) values[variable.key] = variable.value;
  }
  for (const auto& variable : service.variables) values[variable.key] = variable.value;
  std::vector<std::string> environment;
  for (const auto& [key, value] : values) environment.push_back(key + "=" + value);
  return environment;
}

struct Started {
  std::string id;
  std::string name;
  std::string address;
};

class Services {
 public:
  Services(EngineClient& engine, const DockerSettings& settings, const pipeline::JobMessage& message,
           const Labels& labels, const app::OnOutput& on_output, const sys::StopFlag& cancel,
           JobServices& services)
      : engine_(engine),
        settings_(settings),
        message_(message),
        labels_(labels),
        on_output_(on_output),
        cancel_(cancel),
        services_(services) {}

  Status start_all() {
    // Only its own loopback; services, if there are any, get a network that leads nowhere else.
    services_.network = message_.has_network ? settings_.network_mode : "none";
    std::vector<const pipeline::JobImage*> wanted;
    for (const pipeline::JobImage& service : message_.services) {
      if (is_docker_in_docker(service.name))
        services_.docker_in_docker = true;
      else
        wanted.push_back(&service);
    }
    if (wanted.empty()) return {};
    TG_CHECK(make_network());
    std::vector<Started> started;
    for (const pipeline::JobImage* service : wanted) {
      if (cancel_.stop_requested()) return fail(Errc::kCanceled, "canceled");
      TG_TRY(Started one, start(*service));
      started.push_back(std::move(one));
    }
    on_output_("Waiting for services to be up and running...\n");
    const auto deadline = Steady::now() + settings_.service_timeout;
    for (const Started& one : started) TG_CHECK(wait_for(one, deadline));
    return {};
  }

 private:
  // A network of the job's own needs an engine that can make one; without it services are reached by address.
  Status make_network() {
    if (message_.has_network && settings_.network_mode == "host") return {};
    auto made = engine_.create_network(fmt::format("tidegate-job-{}-{}", message_.id.value(), random_hex(4)),
                                       labels_, !message_.has_network);
    if (made) {
      services_.own_network = services_.network = *made;
      return {};
    }
    if (!message_.has_network) return made.error();
    on_output_(
        fmt::format("WARNING: no network of the job's own ({}); its services share the engine's default "
                    "network\n",
                    made.error().message));
    return {};
  }

  Result<Started> start(const pipeline::JobImage& service) {
    on_output_(fmt::format("Starting service {} ...\n", printable(service.name)));
    TG_TRY(const ImageInfo image, get_image(engine_, service, message_.credentials, on_output_, cancel_));
    ContainerSpec spec;
    spec.image = image.id;
    spec.platform = service.platform;
    spec.user = service.user;
    spec.entrypoint = service.entrypoint;
    spec.command = service.command;
    spec.environment = service_environment(message_, service);
    spec.labels = labels_;
    spec.network = services_.network;
    const std::vector<std::string> names = service_names(service);
    if (!services_.own_network.empty()) spec.aliases = names;
    spec.extra_hosts = settings_.extra_hosts;
    spec.keep_log = true;
    TG_TRY(const std::string id, engine_.create_container(spec));
    services_.containers.push_back(id);
    TG_CHECK(engine_.start(id));
    TG_TRY(const ContainerState state, engine_.inspect(id));
    std::string address = services_.network == "host" ? "127.0.0.1" : "";
    for (const auto& entry : state.addresses) {
      if (!entry.second.empty()) address = entry.second;
    }
    for (const std::string& name : names) {
      if (!address.empty()) services_.extra_hosts.push_back(name + ":" + address);
    }
    return Started{id, service.name, address};
  }

  Status wait_for(const Started& service, Steady::time_point deadline) {
    while (true) {
      TG_TRY(const ContainerState state, engine_.inspect(service.id));
      if (!state.running) return warn(service, fmt::format("it ended with exit code {}", state.exit_code));
      if (state.health == "healthy") return {};
      if (state.health.empty()) {
        if (state.tcp_ports.empty()) return {};  // nothing to ask
        if (connects(service.address, state.tcp_ports.front())) return {};
      }
      if (cancel_.stop_requested()) return fail(Errc::kCanceled, "canceled");
      if (Steady::now() >= deadline) {
        return warn(service, state.health.empty()
                                 ? fmt::format("port {} takes no connections", state.tcp_ports.front())
                                 : fmt::format("its health check says {}", state.health));
      }
      std::this_thread::sleep_for(kHealthTick);
      on_output_({});
    }
  }

  // As on GitLab: the job may know better, so it runs.
  Status warn(const Started& service, const std::string& why) {
    on_output_(fmt::format("*** WARNING: Service {} probably didn't start properly: {}\n",
                           printable(service.name), why));
    if (const auto log = engine_.logs(service.id, kLogLines); log && !log->empty()) {
      on_output_("Service container logs:\n");
      on_output_(*log);
      on_output_("*********\n");
    }
    return {};
  }

  EngineClient& engine_;
  const DockerSettings& settings_;
  const pipeline::JobMessage& message_;
  const Labels& labels_;
  const app::OnOutput& on_output_;
  const sys::StopFlag& cancel_;
  JobServices& services_;
};

}  // namespace

Status start_services(EngineClient& engine, const DockerSettings& settings,
                      const pipeline::JobMessage& message, const Labels& labels,
                      const app::OnOutput& on_output, const sys::StopFlag& cancel, JobServices& services) {
  return Services(engine, settings, message, labels, on_output, cancel, services).start_all();
}

void remove_services(EngineClient& engine, const JobServices& services) {
  for (const std::string& id : services.containers) {
    if (const Status removed = engine.remove_container(id); !removed) {
      log::warn("docker", "{}", removed.error().message);
    }
  }
  if (services.own_network.empty()) return;
  if (const Status removed = engine.remove_network(services.own_network); !removed) {
    log::warn("docker", "{}", removed.error().message);
  }
}

}  // namespace tidegate::docker
