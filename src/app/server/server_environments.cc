// Server: environments, deployments, releases, id tokens, and what is done every minute.
#include <algorithm>

#include "app/server/artifact_sweep.h"
#include "app/server/server.h"
#include "base/log.h"

namespace tidegate::app {
namespace {

constexpr Millis kSweepEvery{60'000};
constexpr std::int64_t kSweepAtOnce = 200;
constexpr std::int64_t kListed = 100;

}  // namespace

Result<std::vector<EnvironmentRecord>> Server::environments(ProjectId project) {
  return ports_.loop.call([&] { return ports_.store.environments(project); });
}

Result<EnvironmentRecord> Server::environment_now(ProjectId project, std::int64_t id) {
  TG_TRY(const auto all, ports_.store.environments(project));
  const auto found = std::ranges::find(all, id, &EnvironmentRecord::id);
  if (found == all.end()) return fail(Errc::kNotFound, "404 Environment Not Found");
  return *found;
}

Result<EnvironmentRecord> Server::environment(ProjectId project, std::int64_t id) {
  return ports_.loop.call([&] { return environment_now(project, id); });
}

Result<EnvironmentRecord> Server::stop_environment(ProjectId project, std::int64_t id, bool force) {
  return ports_.loop.call([&]() -> Result<EnvironmentRecord> {
    TG_TRY(const auto environment, environment_now(project, id));
    return environments_.stop(environment, force);
  });
}

Status Server::remove_environment(ProjectId project, std::int64_t id) {
  return ports_.loop.call([&]() -> Status {
    TG_TRY(const auto environment, environment_now(project, id));
    return environments_.remove(environment);
  });
}

Result<std::vector<DeploymentRecord>> Server::deployments(ProjectId project, std::int64_t environment) {
  return ports_.loop.call([&] { return ports_.store.deployments(project, environment, kListed); });
}

Result<std::vector<ReleaseRecord>> Server::releases(ProjectId project) {
  return ports_.loop.call([&] { return ports_.store.releases(project); });
}

Result<std::string> Server::id_token_keys() {
  if (ports_.id_tokens == nullptr) return fail(Errc::kNotFound, "404 Not Found");
  return ports_.id_tokens->keys();
}

// On the state thread, again and again.
void Server::sweep() {
  environments_.stop_overdue();
  const auto removed = sweep_artifacts(ports_.store, ports_.clock.now(), kSweepAtOnce);
  if (!removed) log::error("artifacts", "{}", removed.error().message);
  if (removed && *removed > 0) log::info("artifacts", "{} that had expired are gone", *removed);
  const bool more = removed && *removed == static_cast<std::size_t>(kSweepAtOnce);
  ports_.loop.post_after(more ? Millis{1000} : kSweepEvery, [this] { sweep(); });
}

}  // namespace tidegate::app
