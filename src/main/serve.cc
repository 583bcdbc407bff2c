#include "main/serve.h"

#include <csignal>
#include <memory>
#include <sys/signalfd.h>
#include <thread>
#include <type_traits>
#include <unistd.h>

#include <fmt/core.h>

#include "adapters/docker/docker_executor.h"
#include "adapters/git/repository.h"
#include "adapters/http/api/context.h"
#include "adapters/http/server.h"
#include "adapters/jwt/rs256.h"
#include "adapters/mlflow/tracking.h"
#include "adapters/neo4j/loader.h"
#include "adapters/registry/skopeo.h"
#include "adapters/remote/https_files.h"
#include "adapters/s3/directory_storage.h"
#include "adapters/s3/manifest.h"
#include "adapters/s3/s3_storage.h"
#include "adapters/shell/shell_executor.h"
#include "adapters/signing/p256.h"
#include "adapters/sqlite/sqlite_store.h"
#include "adapters/ssh/open_ssh.h"
#include "app/server/server.h"
#include "base/log.h"
#include "base/sha256.h"
#include "main/serve_intake.h"
#include "main/system_clock.h"
#include "sys/file.h"
#include "sys/unique_fd.h"

namespace tidegate::main {
namespace {

constexpr unsigned kWorkers = 8;
constexpr std::uint64_t kMaxPush = 2ULL << 30U;

// Where people reach us, and a few digits that no other server has: its data directory's own.
std::string name_of(const ServerConfig& c) {
  const auto key = sys::read_file(std::filesystem::absolute(c.data) / "secret.key").value_or("");
  const auto scheme = c.external_url.find("://");
  const auto host = scheme == std::string::npos ? c.external_url : c.external_url.substr(scheme + 3);
  return fmt::format("{}#{}", host.substr(0, host.find('/')),
                     sha256_hex("name of the server\n" + key).substr(0, 8));
}

app::ServerSettings settings_of(const ServerConfig& c) {
  app::ServerSettings out;
  out.data = std::filesystem::absolute(c.data);
  out.external_url = c.external_url;
  out.name = name_of(c);
  out.drift_every = c.drift_every;
  out.registry = {c.registry.host, c.registry.user, c.registry.password};
  out.neo4j = {c.neo4j.url, c.neo4j.user, c.neo4j.password, c.neo4j.database};
  out.runner_slots = c.runner.slots;
  out.include = c.include;
  out.reconcile_every = c.reconcile_every;
  out.directory_poll = c.directory_poll;
  out.tracking_poll = c.mlflow_poll;
  out.runner.work_directory = out.data / "jobs";
  out.runner.environment = c.runner.environment;
  out.runner.mounts = c.runner.mounts;
  out.runner.tags = c.runner.tags;
  out.runner.run_untagged = c.runner.run_untagged;
  out.runner.secrets_directory = c.runner.secrets;
  out.runner.cache_limit = std::uint64_t{c.runner.cache_gib} << 30U;
  out.runner.job_socket_directory = out.data / "run";
  // The static client lies beside this program; without it jobs have no `tidegate` command, and say so.
  std::error_code failed;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", failed);
  const auto client = self.parent_path() / "tidegate-job";
  if (std::filesystem::exists(client, failed)) {
    out.runner.client_binary = client;
  } else {
    log::warn("serve", "{} is missing: jobs will have no tidegate command", client.string());
  }
  return out;
}

std::unique_ptr<app::Executor> make_executor(const ServerConfig& c) {
  if (c.runner.executor == "shell") {
    shell::ShellSettings settings;
    settings.runner = "serve-" + std::filesystem::absolute(c.data).string();
    return std::make_unique<shell::ShellExecutor>(settings);
  }
  docker::DockerSettings settings;
  settings.socket = c.runner.docker_socket;
  settings.runner = "serve-" + std::filesystem::absolute(c.data).string();
  settings.network_mode = c.runner.network;
  settings.default_image = c.runner.default_image;
  settings.share_engine = c.runner.share_engine;
  return std::make_unique<docker::DockerExecutor>(settings);
}

// The adapters that the configuration asks for.
struct Parts {
  SystemClock clock;
  sys::StopFlag stop;
  std::unique_ptr<app::Store> store;
  std::unique_ptr<s3::S3Storage> s3;
  s3::DirectoryStorage directories;
  std::unique_ptr<registry::Skopeo> registry;
  std::unique_ptr<ssh::OpenSsh> ssh;
  std::unique_ptr<app::Deployer> deployer;
  std::unique_ptr<app::GraphLoader> graphs;
  std::unique_ptr<app::Signer> signer;
  std::unique_ptr<app::IdTokenIssuer> id_tokens;
  std::unique_ptr<app::Executor> executor;
};

Result<std::unique_ptr<Parts>> make_parts(const ServerConfig& c) {
  auto parts = std::make_unique<Parts>();
  const auto data = std::filesystem::absolute(c.data);
  TG_CHECK(sys::make_directories(data / "run"));
  TG_TRY(parts->store, sqlite::open_store(data));
  s3::S3Settings s3;
  s3.endpoint = c.s3.endpoint;
  s3.region = c.s3.region;
  s3.credentials.access_key = c.s3.access_key;
  s3.credentials.secret_key = c.s3.secret_key;
  if (!c.s3.ca_file.empty()) s3.ca_file = c.s3.ca_file;
  parts->s3 = std::make_unique<s3::S3Storage>(s3, parts->clock);
  if (!c.registry.host.empty()) {
    registry::Settings r;
    r.registry = c.registry.host;
    r.user = c.registry.user;
    r.password = c.registry.password;
    r.cert_dir = c.registry.cert_dir;
    r.tls_verify = c.registry.tls_verify;
    r.cache_dir = data / "images";
    parts->registry = std::make_unique<registry::Skopeo>(r);
    // Control sockets need a short path; this one is private and goes with the machine's run time.
    TG_TRY(auto control, sys::TempDirectory::make("/tmp", "tg-ssh-"));
    ssh::Settings s;
    s.config_file = c.ssh.config;
    s.control_dir = control.release();
    parts->ssh = std::make_unique<ssh::OpenSsh>(s);
    TG_CHECK(sys::make_directories(data / "scratch"));
    parts->deployer =
        std::make_unique<app::Deployer>(*parts->registry, *parts->ssh, parts->clock, data / "scratch");
  }
  if (!c.neo4j.url.empty()) parts->graphs = neo4j::make_loader();
  TG_TRY(parts->signer, signing::open_signer(data / "lineage.key"));
  TG_TRY(parts->id_tokens, jwt::open_issuer(data / "id_token.key"));
  parts->executor = make_executor(c);
  return parts;
}

std::function<std::unique_ptr<app::Tracking>()> tracking_of(const ServerConfig& c) {
  if (c.mlflow_url.empty()) return {};
  mlflow::Endpoint endpoint;
  endpoint.uri = c.mlflow_url;
  return [endpoint] { return mlflow::make_tracking(endpoint, Millis{5000}); };
}

// An admin token for the first use, in a file that only the owner reads.
Status ensure_admin_token(app::Server& server, const std::filesystem::path& data) {
  const auto file = data / "admin.token";
  if (std::filesystem::exists(file)) return {};
  TG_TRY(const std::string token, server.create_token(app::TokenKind::kAdmin, ProjectId{}, "first"));
  TG_CHECK(sys::write_file_durably(file, token + "\n", 0600));
  log::info("serve", "an admin token is in {}", file.string());
  return {};
}

Result<std::unique_ptr<http::Server>> listen_tcp(const ServerConfig& config, app::Server& server,
                                                 const http::api::HookReaders& hooks) {
  auto router = std::make_shared<http::Router>();
  http::api::add_gitlab_routes(*router, server);
  http::api::add_environment_routes(*router, server);
  http::api::add_lint_routes(*router, server);
  http::api::add_trigger_routes(*router, server);
  http::api::add_tidegate_routes(*router, server);
  http::api::add_lineage_routes(*router, server);
  http::api::add_data_routes(*router, server);
  http::api::add_hook_routes(*router, server, hooks);
  http::api::add_git_routes(*router, server);
  http::Options options;
  http::Listen listen;
  listen.tcp = config.listen;
  options.listen.push_back(listen);
  options.workers = 16;
  options.body_limit = [](std::string_view, std::string_view path) {
    return path.ends_with("/git-receive-pack") || path.ends_with("/git-upload-pack") ? kMaxPush : 1ULL << 20U;
  };
  options.spool_directory = std::filesystem::absolute(config.data) / "scratch";
  TG_CHECK(sys::make_directories(options.spool_directory));
  return http::Server::start(options, [router](http::Request request, http::Reply reply) {
    (*router)(std::move(request), std::move(reply));
  });
}

// What jobs may reach: only the job routes.
Result<std::unique_ptr<http::Server>> listen_jobs(const ServerConfig& config, app::Server& server) {
  auto router = std::make_shared<http::Router>();
  http::api::add_job_routes(*router, server);
  http::Options options;
  http::Listen listen;
  listen.unix_socket = std::filesystem::absolute(config.data) / "run" / "job.sock";
  listen.unix_mode = 0666;  // a job's user may be any; its token says what it may do
  options.listen.push_back(listen);
  options.workers = 16;
  return http::Server::start(options, [router](http::Request request, http::Reply reply) {
    (*router)(std::move(request), std::move(reply));
  });
}

// Listens, and tries for a while where somebody else does: a child that a killed server was just starting
// holds its sockets until it has become its own program.
template <class Listen>
std::invoke_result_t<Listen> patiently(Listen listen) {
  auto listening = listen();
  for (int tries = 0; !listening && listening.error().code == Errc::kEnvironment && tries < 20; ++tries) {
    std::this_thread::sleep_for(Millis{100});
    listening = listen();
  }
  return listening;
}

// Blocked before any thread starts, so that the signals come here and nowhere else.
Result<sys::UniqueFd> block_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  sys::UniqueFd fd(::signalfd(-1, &set, SFD_CLOEXEC));
  if (!fd) return fail(Errc::kInternal, "signalfd failed");
  return fd;
}

void wait_for_signal(const sys::UniqueFd& fd) {
  signalfd_siginfo info{};
  while (::read(fd.get(), &info, sizeof info) < 0 && errno == EINTR) {
  }
  log::info("serve", "stopping");
}

}  // namespace

Status serve(const ServerConfig& config) {
  TG_TRY(const auto signals, block_signals());
  TG_TRY(const auto parts, make_parts(config));
  app::Loop loop;
  app::Workers workers(kWorkers);
  app::ServerPorts ports{settings_of(config),
                         parts->clock,
                         loop,
                         workers,
                         *parts->store,
                         git::open_or_init_bare,
                         *parts->s3,
                         parts->directories,
                         parts->registry.get(),
                         parts->deployer.get(),
                         parts->graphs.get(),
                         tracking_of(config),
                         parts->signer.get(),
                         parts->id_tokens.get(),
                         *parts->executor,
                         parts->stop,
                         [] { return std::make_unique<remote::HttpsFiles>(); },
                         s3::parse_manifest};
  app::Server server(ports);
  loop.start();
  TG_CHECK(ensure_admin_token(server, ports.settings.data));
  TG_TRY(const auto jobs, patiently([&] { return listen_jobs(config, server); }));
  IntakeParts intake(config, parts->clock, server);
  TG_TRY(const auto api, patiently([&] { return listen_tcp(config, server, intake.hooks()); }));
  TG_CHECK(server.start());
  intake.start();
  log::info("serve", "listening on http://{}", api->addresses().front());
  wait_for_signal(signals);
  parts->stop.request_stop();
  intake.stop();
  server.stop();
  api->stop();
  jobs->stop();
  workers.stop();
  loop.stop();
  log::info("serve", "stopped");
  return {};
}

}  // namespace tidegate::main
